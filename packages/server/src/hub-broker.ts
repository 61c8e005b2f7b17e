import { TautlineError } from "@tautline/core";
import type {
  Broker,
  BrokerTopic,
  Closable,
  FollowListener,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Position,
  PublishOptions,
} from "./broker.ts";

/**
 * A hub's broker, as the hub's users see it: one that is closed is away for good. `CONNECTION_CLOSED` is said of clients; a handler that
 * lets it through would have its caller hear of an `INTERNAL_SERVER_ERROR`.
 */
export class HubBroker implements Broker {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  openTopic(name: string, limits: HistoryLimits): BrokerTopic {
    return new HubLog(run(() => this.#broker.openTopic(name, limits)));
  }

  signal(channel: string, text: string): void {
    run(() => this.#broker.signal(channel, text));
  }

  listen(channel: string, onSignal: (text: string) => void, onListening?: () => void): Closable {
    return run(() => this.#broker.listen(channel, onSignal, onListening));
  }

  lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    return wait(() => this.#broker.lease(group, members, ttlMs));
  }

  release(group: string, members: Iterable<string>): Promise<void> {
    return wait(() => this.#broker.release(group, members));
  }

  members(group: string): Promise<ReadonlyMap<string, string>> {
    return wait(() => this.#broker.members(group));
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

class HubLog implements BrokerTopic {
  readonly #log: BrokerTopic;

  constructor(log: BrokerTopic) {
    this.#log = log;
  }

  publish(key: string, text: string, options: PublishOptions): Promise<Position> {
    return wait(() => this.#log.publish(key, text, options));
  }

  history(key: string, query: HistoryQuery): Promise<HistoryPage> {
    return wait(() => this.#log.history(key, query));
  }

  follow(key: string, listener: FollowListener): Closable {
    return run(() => this.#log.follow(key, listener));
  }
}

function run<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw asHubError(error);
  }
}

async function wait<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw asHubError(error);
  }
}

function asHubError(error: unknown): unknown {
  const isClosed = error instanceof TautlineError && error.code === "CONNECTION_CLOSED";
  return isClosed
    ? new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "the hub is closed", cause: error })
    : error;
}
