import type { Broker, BrokerTopic, Closable, HistoryLimits } from "@tautline/server";
import { LeaseTable } from "./lease-table.ts";
import { NatsLink } from "./nats-link.ts";
import { NatsTopic } from "./nats-topic.ts";
import {
  defaultMaxWaiting,
  defaultMaxWaitingBytes,
  defaultProbeMs,
  linkSettings,
  type NatsBrokerOptions,
} from "./options.ts";
import { Publisher } from "./publisher.ts";
import { SignalChannels } from "./signal-channels.ts";

/** How long a broker that is closed waits for what was released before, in ms. */
const closeWaitMs = 1_000;

/**
 * Keeps and carries events in NATS, 2.9 or newer, with JetStream. Begins to connect at once, and again whenever it is cut off, until it
 * is closed.
 *
 * @throws TypeError where the prefix cannot be part of a subject.
 */
export function natsBroker(options: NatsBrokerOptions = {}): Broker {
  return new NatsBroker(options);
}

class NatsBroker implements Broker {
  readonly #link: NatsLink;
  readonly #publisher: Publisher;
  readonly #channels: SignalChannels;
  readonly #leases: LeaseTable;
  readonly #topics = new Map<string, NatsTopic>();
  readonly #probeMs: number;

  constructor(options: NatsBrokerOptions) {
    const { maxWaiting = defaultMaxWaiting, maxWaitingBytes = defaultMaxWaitingBytes } = options;
    this.#probeMs = options.probeMs ?? defaultProbeMs;
    this.#link = new NatsLink(linkSettings(options));
    this.#publisher = new Publisher(this.#link, maxWaiting, maxWaitingBytes);
    this.#channels = new SignalChannels(this.#link);
    // Members are as many as there are: they do not take the places of events that wait.
    const leases = new Publisher(this.#link, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.#leases = new LeaseTable(this.#link, leases);
  }

  openTopic(name: string, limits: HistoryLimits): BrokerTopic {
    this.#link.check();
    const topic = this.#topics.get(name) ?? new NatsTopic(this.#link, this.#publisher, name, limits, this.#probeMs);
    this.#topics.set(name, topic);
    return topic;
  }

  signal(channel: string, text: string): void {
    this.#channels.signal(channel, text);
  }

  listen(channel: string, onSignal: (text: string) => void, onListening?: () => void): Closable {
    return this.#channels.listen(channel, onSignal, onListening);
  }

  lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    return this.#leases.lease(group, members, ttlMs);
  }

  release(group: string, members: Iterable<string>): Promise<void> {
    return this.#leases.release(group, members);
  }

  members(group: string): Promise<ReadonlyMap<string, string>> {
    return this.#leases.members(group);
  }

  async close(): Promise<void> {
    for (const topic of this.#topics.values()) topic.close();
    // Others see at once who leaves with this node. Where NATS is silent they see it when the leases have run out.
    await Promise.race([this.#leases.done, this.#link.pause(closeWaitMs)]);
    this.#channels.close();
    await this.#link.close();
  }
}
