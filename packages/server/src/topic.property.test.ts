import { FakeClock, SeededRandom } from "@tautline/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { turns } from "../testing/topic-world.ts";
import { parsePosition } from "./event-id.ts";
import { Gap } from "./gap.ts";
import { createHub, type Hub } from "./hub.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { CuttableBroker } from "./testing/cuttable-broker.ts";
import type { Topic } from "./topic.ts";
import type { TopicReader } from "./topic-reader.ts";

const schedules = 200;
const steps = 120;
const keys = ["a", "b", "c"];

/** `key:n`, the n-th event of a key. */
type Events = Topic<string, string, { id: string }, { id: string }>;

interface Node {
  readonly broker: CuttableBroker;
  readonly hub: Hub;
  readonly topic: Events;
}

/** A subscriber that reads when it is told to, and comes back with the last id that it has, to whichever node. */
class Subscriber {
  readonly keys: readonly string[];
  readonly policy: "buffer" | "latest";
  /** What it was given: events, and gaps. */
  readonly heard: (string | Gap)[] = [];
  /** How many events of each key there were when it began. */
  begun: ReadonlyMap<string, number> | undefined = undefined;
  #reader: TopicReader | undefined = undefined;
  #lastId: string | undefined = undefined;

  constructor(keys: readonly string[], policy: "buffer" | "latest") {
    this.keys = keys;
    this.policy = policy;
  }

  open({ topic }: Node, published: ReadonlyMap<string, number>): void {
    this.#reader?.close();
    const receiver = {
      onStarted: ({ id }: { id: string }) => {
        this.#lastId ??= id;
        this.begun ??= new Map(published);
      },
      onReady: () => {},
      onEnded: (error: unknown) => expect.fail(String(error)),
    };
    this.#reader = topic.subscribe(this.keys, { policy: this.policy }).read(receiver, this.#lastId);
    this.#reader.open();
  }

  take(count: number): void {
    for (let taken = 0; taken < count; taken++) {
      const next = this.#reader?.take();
      if (next === undefined) return;
      this.#lastId = next instanceof Gap ? next.to : next.id;
      this.heard.push(next instanceof Gap ? next : String(next.data));
    }
  }

  close(): void {
    this.#reader?.close();
  }
}

/** Two nodes, a backend, and five subscribers, to whom anything happens. */
class World {
  readonly #random: SeededRandom;
  readonly #clock = new FakeClock();
  readonly #backend = new MemoryBackend({ clock: this.#clock });
  readonly #nodes: readonly Node[];
  readonly #subscribers: readonly Subscriber[];
  readonly #published = new Map(keys.map((key) => [key, 0]));
  /** Where in the log each event is. */
  readonly #offsets = new Map<string, number>();
  readonly #flushes: boolean;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#flushes = random.chance(0.5);
    const history = random.chance(0.2) ? (false as const) : { maxEvents: random.integer(1, 40) };
    const buffer = { maxEvents: random.integer(1, 12) };
    this.#nodes = [1, 2].map(() => {
      const broker = new CuttableBroker(new MemoryBroker(this.#backend), this.#clock);
      const hub = createHub({ broker, clock: this.#clock, publishWaitMs: 0 });
      return { broker, hub, topic: hub.topic("events", z.string(), { history, buffer }) };
    });
    this.#subscribers = [["a"], ["a"], ["b"], ["a", "b", "c"], ["b", "c"]].map(
      (some) => new Subscriber(some, random.chance(0.3) ? "latest" : "buffer"),
    );
  }

  async run(): Promise<void> {
    for (const subscriber of this.#subscribers) this.#open(subscriber);
    for (let step = 0; step < steps; step++) await this.#step();
    for (const { broker } of this.#nodes) broker.restore();
    await this.#drain();
    for (const subscriber of this.#subscribers) this.#check(subscriber);
    for (const subscriber of this.#subscribers) subscriber.close();
    for (const { hub } of this.#nodes) await hub.close();
    this.#backend.close();
    expect(this.#clock.timers).toBe(0);
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const die = random.next();
    if (die < 0.4) this.#publish(random.pick(keys), random.integer(1, 6));
    else if (die < 0.7) random.pick(this.#subscribers).take(random.integer(1, 20));
    else if (die < 0.8) this.#open(random.pick(this.#subscribers));
    else if (die < 0.85) random.pick(this.#nodes).broker.cut();
    else if (die < 0.9) random.pick(this.#nodes).broker.restore();
    else if (die < 0.91 && this.#flushes) this.#backend.flush();
    else if (die < 0.97) await turns();
    else this.#clock.advance(500);
  }

  #open(subscriber: Subscriber): void {
    subscriber.open(this.#random.pick(this.#nodes), this.#published);
  }

  #publish(key: string, count: number): void {
    const { broker, topic } = this.#random.pick(this.#nodes);
    for (let event = 0; event < count && !broker.away; event++) {
      const n = (this.#published.get(key) ?? 0) + 1;
      this.#published.set(key, n);
      void topic.publish(key, `${key}${n}`);
      this.#offsets.set(`${key}${n}`, this.#backend.end.offset);
    }
  }

  async #drain(): Promise<void> {
    for (let round = 0; round < 12; round++) {
      await turns();
      for (const subscriber of this.#subscribers) subscriber.take(1_000);
      this.#clock.advance(500);
    }
  }

  #check(subscriber: Subscriber): void {
    const gaps = new Set<Gap>();
    for (const key of subscriber.keys) for (const gap of this.#checkKey(subscriber, key)) gaps.add(gap);
    const told = subscriber.heard.filter((heard) => heard instanceof Gap);
    // A flush is a gap, also where nothing was missed.
    if (!this.#flushes) expect(told.filter((gap) => !gaps.has(gap))).toEqual([]);
  }

  /** Each event comes once and in order; where some are missing there is a gap between their neighbours. Gives those gaps. */
  #checkKey({ heard, begun, keys: { length } }: Subscriber, key: string): readonly Gap[] {
    const justified: Gap[] = [];
    let last = begun?.get(key) ?? 0;
    let gaps: Gap[] = [];
    for (const entry of [...heard, `${key}${(this.#published.get(key) ?? 0) + 1}`]) {
      if (entry instanceof Gap) gaps.push(entry);
      if (entry instanceof Gap || !entry.startsWith(key)) continue;
      const n = Number(entry.slice(1));
      expect(n, `${key}${n} comes after ${key}${last}`).toBeGreaterThan(last);
      if (n > last + 1) {
        expect(gaps, `${key}${last} is followed by ${key}${n}`).not.toEqual([]);
        // Ids of several keys say more than this.
        if (length === 1) this.#checkGaps(gaps, `${key}${last + 1}`, `${key}${n - 1}`);
        justified.push(...gaps);
      }
      last = n;
      gaps = [];
    }
    return justified;
  }

  /** From the first to the last event that is missing. */
  #checkGaps(gaps: readonly Gap[], first: string, last: string): void {
    expect(parsePosition(gaps[0]?.from ?? "")?.offset).toBeLessThan(this.#offsets.get(first) ?? 0);
    expect(parsePosition(gaps.at(-1)?.to ?? "")?.offset).toBeGreaterThanOrEqual(this.#offsets.get(last) ?? 0);
  }
}

test(`a subscriber gets each event once and in order, or is told of a gap that is one: ${schedules} schedules`, async () => {
  let failed: string | undefined;
  for (let seed = 1; seed <= schedules && failed === undefined; seed++) {
    try {
      await new World(new SeededRandom(seed)).run();
    } catch (error) {
      failed = `seed ${seed}: ${String(error)}`;
    }
  }
  expect(failed).toBeUndefined();
});
