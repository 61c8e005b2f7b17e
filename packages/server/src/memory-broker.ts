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
import { MemoryBackend, type MemoryBackendOptions } from "./memory-backend.ts";
import type { MemoryTopic } from "./memory-topic.ts";

export type MemoryBrokerOptions = MemoryBackendOptions;

/**
 * Keeps and carries events in this process. What it keeps is gone with it, and its epoch too: clients that come back to another
 * process are told of a gap. An event is with everybody who follows it when `publish` has returned its promise.
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): Broker {
  const backend = new MemoryBackend(options);
  return new MemoryBroker(backend, () => backend.close());
}

/** One node's way to a backend, which others may share. */
export class MemoryBroker implements Broker {
  readonly #backend: MemoryBackend;
  readonly #onClosed: () => void;
  readonly #open = new Set<Closable>();
  #closed = false;

  constructor(backend: MemoryBackend, onClosed: () => void = () => {}) {
    this.#backend = backend;
    this.#onClosed = onClosed;
  }

  openTopic(name: string, limits: HistoryLimits): BrokerTopic {
    this.#check();
    return new MemoryBrokerTopic(this, this.#backend.topic(name, limits));
  }

  signal(channel: string, text: string): void {
    this.#check();
    this.#backend.signal(channel, text);
  }

  listen(channel: string, onSignal: (text: string) => void, onListening?: () => void): Closable {
    const held = this.hold(() => this.#backend.listen(channel, onSignal));
    onListening?.();
    return held;
  }

  lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    return this.run(() => this.#backend.lease(group, members, ttlMs));
  }

  release(group: string, members: Iterable<string>): Promise<void> {
    return this.run(() => this.#backend.release(group, members));
  }

  members(group: string): Promise<ReadonlyMap<string, string>> {
    return this.run(() => this.#backend.members(group));
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      for (const open of this.#open) open.close();
      this.#onClosed();
    }
    return Promise.resolve();
  }

  /** What an operation gives, as a promise. */
  async run<T>(operation: () => T): Promise<T> {
    this.#check();
    return operation();
  }

  /** Opens something that is closed with the broker at the latest. */
  hold(open: () => Closable): Closable {
    this.#check();
    const held = new Held(this.#open, open());
    this.#open.add(held);
    return held;
  }

  #check(): void {
    if (this.#closed) throw brokerClosed();
  }
}

/** Something that a broker has open. */
class Held implements Closable {
  readonly #open: Set<Closable>;
  readonly #held: Closable;

  constructor(open: Set<Closable>, held: Closable) {
    this.#open = open;
    this.#held = held;
  }

  close(): void {
    if (this.#open.delete(this)) this.#held.close();
  }
}

class MemoryBrokerTopic implements BrokerTopic {
  readonly #broker: MemoryBroker;
  readonly #topic: MemoryTopic;

  constructor(broker: MemoryBroker, topic: MemoryTopic) {
    this.#broker = broker;
    this.#topic = topic;
  }

  publish(key: string, text: string, { id }: PublishOptions): Promise<Position> {
    return this.#broker.run(() => this.#topic.publish(key, text, id));
  }

  history(key: string, query: HistoryQuery): Promise<HistoryPage> {
    return this.#broker.run(() => this.#topic.read(key, query));
  }

  follow(key: string, listener: FollowListener): Closable {
    return this.#broker.hold(() => this.#topic.follow(key, listener));
  }
}

function brokerClosed(): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message: "the broker is closed" });
}
