import type { FakeClock, History } from "@tautline/core/testing";
import { createHub, type Hub, type SlowPolicy, type Topic, type TopicSubscription } from "@tautline/server";
import { MemoryBackend, MemoryBroker } from "@tautline/server/testing";
import { tracked } from "@trpc/server";
import { z } from "zod";
import { CountedBroker } from "./counted-broker.ts";
import { LogPlaces } from "./log-places.ts";

export const Event = z.object({ key: z.string(), position: z.number(), padding: z.string() });
export type Event = z.output<typeof Event>;

/** How many events of each key there have been. */
export interface Snapshot {
  readonly counts: readonly number[];
}

/** How a subscription's snapshot is taken: not at all, at once, or in so many ms, in the middle of which it is read. */
export type SnapshotKind = "none" | "now" | "late";

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
  sleep(ms: number): Promise<void>;
}

/** What a subscription is to. */
export interface TopicReading {
  readonly keys: readonly TopicKey[];
  readonly policy: SlowPolicy;
  /** An id to begin after. */
  readonly after?: string | undefined;
}

type WorldTopic = Topic<Event, Event, { id: string }, { id: string }>;

/** So few events use up nobody's credit. */
const fewEvents = 200;
/** So little text leaves every buffer less than half full. */
const littleText = 400_000;
/** How long it takes to read a snapshot, and to hand it out. */
const snapshotMs = 20;
const none = Number.POSITIVE_INFINITY;

/** The topics of one schedule, whose only publisher it is, on two nodes. */
export class TopicWorld {
  /** Subscriptions that are open, for whose sake an event is sent. */
  followers = 0;
  /** Events, gaps and snapshots that they got. */
  received = 0;
  gaps = 0;
  snapshots = 0;
  /** Handlers publish nothing any more. */
  quiet = false;
  readonly places: LogPlaces;
  readonly #world: TopicSurroundings;
  readonly #settings: TopicSettings;
  readonly #backend: MemoryBackend;
  readonly #brokers: readonly CountedBroker[];
  readonly #hubs: readonly Hub[];
  readonly #topics: readonly ReadonlyMap<string, WorldTopic>[];
  readonly #newest = new Map<string, Event>();
  readonly #events: { readonly position: number; readonly length: number }[] = [];
  readonly #counts = new Map<string, number>();
  readonly #ids: string[] = [];

  constructor(world: TopicSurroundings, settings: TopicSettings) {
    this.#world = world;
    this.#settings = settings;
    this.#backend = new MemoryBackend({ clock: world.clock });
    this.places = new LogPlaces(this.#backend);
    this.#brokers = [0, 1].map(() => new CountedBroker(new MemoryBroker(this.#backend)));
    this.#hubs = this.#brokers.map((broker) => createHub({ broker, clock: world.clock }));
    this.#topics = this.#hubs.map((hub) => this.#createTopics(hub));
    world.history.add("topics", { ...settings });
  }

  /** The position of the newest event, or of a loss after it. */
  get end(): number {
    return this.places.end;
  }

  /** Keys that somebody follows. */
  get follows(): number {
    return this.#brokers.reduce((sum, broker) => sum + broker.follows, 0);
  }

  /** Whether nothing has ever had to wait for credit or for a buffer of the usual size. */
  get calm(): boolean {
    return this.#events.length < fewEvents && this.#world.emittedLength < littleText;
  }

  /** The position of the newest event of a key that is a multiple, or 0. */
  newest(key: string, every: number): number {
    return this.#newest.get(`${key} ${every}`)?.position ?? 0;
  }

  publish(key: TopicKey, length: number): void {
    const position = this.places.next;
    const event = { key, position, padding: "x".repeat(length) };
    this.#events.push({ position, length });
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    for (const every of [1, 2]) if (position % every === 0) this.#newest.set(`${key} ${every}`, event);
    this.#world.history.add("published", { key, position, length });
    // A session has it once for all of its calls, and perhaps once more for each.
    this.#world.emittedLength += (length + 200) * (this.followers + 1);
    void this.#topic(key, 0)
      .publish(key, event)
      .then(({ id }) => {
        this.#ids.push(id);
        if (this.places.of(id)[0] !== position)
          this.#world.history.add("measured", { what: `idle id ${id}`, amount: 1, most: 0 });
      });
  }

  /** The broker loses everything, as one that is restarted without what it knew. */
  flush(): void {
    const position = this.places.nextLoss;
    for (const key of topicKeys) this.#world.history.add("lost", { key, position });
    this.#backend.flush();
    this.places.onFlushed();
  }

  /** History is cut off, but for the newest so many events of all. */
  trim(kept: number): void {
    const position = this.#events.at(-1 - kept)?.position;
    if (position === undefined) return;
    for (const key of topicKeys) this.#world.history.add("trimmed", { key, position });
    const { offset } = this.places.logOf(position);
    for (const name of topicNames) {
      const topic = this.#backend.topic(name, this.#limits.history);
      while ((topic.oldestOffset ?? none) <= offset) topic.shift();
    }
  }

  /** @param node where its server is. */
  subscribe({ keys, policy, after }: TopicReading, node = 0): TopicSubscription<Event> {
    return this.#topic(keys[0], node).subscribe(keys, { policy, after });
  }

  /** The same with snapshots before it. */
  subscribeWithSnapshot(
    { keys, policy, after }: TopicReading,
    kind: SnapshotKind,
    node: number,
  ): TopicSubscription<Event, Snapshot> {
    const now = (): Snapshot => ({ counts: keys.map((key) => this.#counts.get(key) ?? 0) });
    const late = async (at: string) => {
      await this.#world.sleep(snapshotMs);
      const state = tracked(this.places.idLike(at), now());
      await this.#world.sleep(snapshotMs);
      return state;
    };
    const topic = this.#topic(keys[0], node);
    return kind === "now"
      ? topic.subscribe(keys, { policy, after, snapshot: now })
      : topic.subscribe(keys, { policy, after, snapshot: late });
  }

  /** The id of the event after which there are so many; undefined where there is none, or they are none. */
  idBefore(count: number): string | undefined {
    return count === 0 ? undefined : this.#ids[Math.max(0, this.#ids.length - 1 - count)];
  }

  /** A subscription continues: what comes of the history may wait where the wire does not show it. */
  onContinued(after: number): void {
    for (const { position, length } of this.#events) if (position > after) this.#world.emittedLength += length + 200;
  }

  /** The positions of events after one, and of a loss. */
  *after(position: number): Iterable<number> {
    for (const event of this.#events) if (event.position > position) yield event.position;
    if (this.end > position && this.#events.at(-1)?.position !== this.end) yield this.end;
  }

  /** Follows every key, and reads nothing. Returns what ends that. */
  watch(): () => void {
    const readers = topicKeys.map((key) => this.subscribe({ keys: [key], policy: "latest" })[Symbol.asyncIterator]());
    for (const reader of readers) void reader.next();
    return () => {
      for (const reader of readers) void reader.return?.();
    };
  }

  async close(): Promise<void> {
    for (const hub of this.#hubs) await hub.close();
    this.#backend.close();
  }

  get #limits() {
    const { historyEvents, bufferEvents } = this.#settings;
    return {
      history: { maxEvents: historyEvents, maxBytes: none, maxAgeMs: none },
      buffer: { maxEvents: bufferEvents, maxBytes: none },
    };
  }

  #createTopics(hub: Hub): ReadonlyMap<string, WorldTopic> {
    return new Map(topicNames.map((name) => [name, hub.topic(name, Event, this.#limits)]));
  }

  #topic(key: string | undefined, node: number): WorldTopic {
    const topic = this.#topics[node % 2]?.get(key?.split("/")[0] ?? "");
    if (topic === undefined) throw new TypeError(`no topic of ${key}`);
    return topic;
  }
}

const topicNames = ["news", "jobs"] as const;
