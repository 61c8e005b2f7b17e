import type { FakeClock, History } from "@tautline/core/testing";
import {
  createHub,
  type Hub,
  memoryBroker,
  type SlowPolicy,
  type Topic,
  type TopicSubscription,
} from "@tautline/server";
import { z } from "zod";
import { CountedBroker } from "./counted-broker.ts";

export const Event = z.object({ key: z.string(), position: z.number(), padding: z.string() });
export type Event = z.output<typeof Event>;

/** What is kept of the topics of a schedule. */
export interface TopicSettings {
  /** Of each key. */
  readonly historyEvents: number;
  /** For those who are behind. */
  readonly bufferEvents: number;
}

/** Keys that are followed, each with its topic before it. */
export const topicKeys = ["news/a", "news/b", "jobs/a", "jobs/b"] as const;
export type TopicKey = (typeof topicKeys)[number];

/** As much of the world as topics are in. */
export interface TopicSurroundings {
  readonly history: History;
  readonly clock: FakeClock;
  emittedLength: number;
}

/** So few events use up nobody's credit. */
const fewEvents = 200;
/** So little text leaves every buffer less than half full. */
const littleText = 400_000;

/** The topics of one schedule, whose only publisher it is: the n-th event of all of them is at position n. */
export class TopicWorld {
  /** Subscriptions that are open, for whose sake an event is sent. */
  followers = 0;
  /** Events and gaps that they got. */
  received = 0;
  gaps = 0;
  /** Handlers publish nothing any more. */
  quiet = false;
  readonly #world: TopicSurroundings;
  readonly #broker: CountedBroker;
  readonly #hub: Hub;
  readonly #topics: ReadonlyMap<string, Topic<Event, Event, { id: string }, { id: string }>>;
  readonly #newest = new Map<string, Event>();
  readonly #lengths: number[] = [];
  readonly #ids: string[] = [];

  constructor(world: TopicSurroundings, { historyEvents, bufferEvents }: TopicSettings) {
    this.#world = world;
    this.#broker = new CountedBroker(memoryBroker({ clock: world.clock }));
    this.#hub = createHub({ broker: this.#broker, clock: world.clock });
    const none = Number.POSITIVE_INFINITY;
    const limits = {
      history: { maxEvents: historyEvents, maxBytes: none, maxAgeMs: none },
      buffer: { maxEvents: bufferEvents, maxBytes: none },
    };
    this.#topics = new Map(["news", "jobs"].map((name) => [name, this.#hub.topic(name, Event, limits)]));
    world.history.add("topics", { historyEvents, bufferEvents });
  }

  /** The position of the newest event. */
  get end(): number {
    return this.#lengths.length;
  }

  /** Keys that somebody follows. */
  get follows(): number {
    return this.#broker.follows;
  }

  /** Whether nothing has ever had to wait for credit or for a buffer of the usual size. */
  get calm(): boolean {
    return this.end < fewEvents && this.#world.emittedLength < littleText;
  }

  /** The position of the newest event of a key that is a multiple, or 0. */
  newest(key: string, every: number): number {
    return this.#newest.get(`${key} ${every}`)?.position ?? 0;
  }

  publish(key: TopicKey, length: number): void {
    const position = this.#lengths.push(length);
    const event = { key, position, padding: "x".repeat(length) };
    for (const every of [1, 2]) if (position % every === 0) this.#newest.set(`${key} ${every}`, event);
    this.#world.history.add("published", { key, position, length });
    // A session has it once for all of its calls, and perhaps once more for each.
    this.#world.emittedLength += (length + 200) * (this.followers + 1);
    void this.#topic(key)
      .publish(key, event)
      .then(({ id }) => {
        this.#ids.push(id);
        if (positionOf(id) !== position)
          this.#world.history.add("measured", { what: `idle id ${id}`, amount: 1, most: 0 });
      });
  }

  /** @param after an id to begin after. */
  subscribe(key: TopicKey, policy: SlowPolicy, after?: string): TopicSubscription<Event> {
    return this.#topic(key).subscribe(key, { policy, after });
  }

  /** The id of the event after which there are so many; undefined where there is none, or they are none. */
  idBefore(count: number): string | undefined {
    return count === 0 ? undefined : this.#ids[Math.max(0, this.#ids.length - 1 - count)];
  }

  /** A subscription continues: what comes of the history may wait where the wire does not show it. */
  onContinued(after: number): void {
    for (const length of this.#lengths.slice(after)) this.#world.emittedLength += length + 200;
  }

  /** Follows every key, and reads nothing. Returns what ends that. */
  watch(): () => void {
    const readers = topicKeys.map((key) => this.subscribe(key, "latest")[Symbol.asyncIterator]());
    for (const reader of readers) void reader.next();
    return () => {
      for (const reader of readers) void reader.return?.();
    };
  }

  close(): Promise<void> {
    return this.#hub.close();
  }

  #topic(key: TopicKey): Topic<Event, Event, { id: string }, { id: string }> {
    const topic = this.#topics.get(key.split("/")[0] ?? "");
    if (topic === undefined) throw new TypeError(`no topic of ${key}`);
    return topic;
  }
}

/** The position that an event's id stands for. */
export function positionOf(id: string): number {
  return Number(id.split(".")[1]);
}
