import type { Broker, BrokerTopic, Closable, FollowListener, HistoryLimits } from "@tautline/server";

/** A broker that says how much of it is in use. */
export class CountedBroker implements Broker {
  /** Keys that are followed now. */
  follows = 0;
  readonly #broker: Broker;
  readonly signal: Broker["signal"];
  readonly listen: Broker["listen"];
  readonly lease: Broker["lease"];
  readonly release: Broker["release"];
  readonly members: Broker["members"];
  readonly close: Broker["close"];

  constructor(broker: Broker) {
    this.#broker = broker;
    this.signal = (channel, text) => broker.signal(channel, text);
    this.listen = (channel, onSignal) => broker.listen(channel, onSignal);
    this.lease = (group, members, ttlMs) => broker.lease(group, members, ttlMs);
    this.release = (group, members) => broker.release(group, members);
    this.members = (group) => broker.members(group);
    this.close = () => broker.close();
  }

  openTopic(name: string, limits: HistoryLimits): BrokerTopic {
    const topic = this.#broker.openTopic(name, limits);
    return {
      publish: (key, text, options) => topic.publish(key, text, options),
      history: (key, query) => topic.history(key, query),
      follow: (key, listener) => this.#follow(topic, key, listener),
    };
  }

  #follow(topic: BrokerTopic, key: string, listener: FollowListener): Closable {
    this.follows++;
    const follow = topic.follow(key, listener);
    return {
      close: () => {
        this.follows--;
        follow.close();
      },
    };
  }
}
