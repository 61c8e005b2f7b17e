import { FakeClock } from "@tautline/core/testing";
import { describe, expect, test } from "vitest";
import type { HistoryLimits } from "./broker.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBroker, memoryBroker } from "./memory-broker.ts";
import type { MemoryTopic } from "./memory-topic.ts";
import { type BrokerHarness, brokerConformance } from "./testing/broker-conformance.ts";
import { CuttableBroker } from "./testing/cuttable-broker.ts";

const unlimited = {
  maxEvents: Number.POSITIVE_INFINITY,
  maxAgeMs: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
};
const all = { limit: 10_000, maxBytes: Number.POSITIVE_INFINITY };
const now = { waitMs: 0 };

/** Nodes that share a backend in memory, in time that stands still. */
class MemoryHarness implements BrokerHarness {
  readonly clock = new FakeClock();
  readonly backend = new MemoryBackend({ clock: this.clock });
  readonly #brokers: CuttableBroker[] = [];

  async createBroker(): Promise<CuttableBroker> {
    const broker = new CuttableBroker(new MemoryBroker(this.backend), this.clock);
    this.#brokers.push(broker);
    return broker;
  }

  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async cut(broker: CuttableBroker): Promise<void> {
    broker.cut();
  }

  async restore(broker: CuttableBroker): Promise<void> {
    broker.restore();
  }

  async flush(): Promise<void> {
    this.backend.flush();
  }

  async entries(): Promise<number> {
    return this.backend.entries;
  }

  async close(): Promise<void> {
    for (const broker of this.#brokers) await broker.close();
    this.backend.close();
  }
}

describe("a memory broker", () => {
  for (const { name, run } of brokerConformance) {
    test(name, async () => {
      const harness = new MemoryHarness();
      await run(harness);
      await harness.close();
      expect(harness.clock.timers).toBe(0);
    });
  }
});

describe("a memory backend", () => {
  function createTopic(options: { maxBytes?: number } = {}, limits: Partial<HistoryLimits> = {}) {
    const clock = new FakeClock();
    const backend = new MemoryBackend({ clock, ...options });
    return { clock, backend, topic: backend.topic("topic", { ...unlimited, ...limits }) };
  }

  function texts(topic: MemoryTopic, key: string): string[] {
    return topic.read(key, all).events.map(({ text }) => text);
  }

  test("keeps exactly as many events as it is told to, and exactly as long", () => {
    const { clock, topic } = createTopic({}, { maxEvents: 3, maxBytes: 12, maxAgeMs: 100 });
    for (const text of ["aa", "bb", "cc", "dd"]) topic.publish("key", text, undefined);
    expect(texts(topic, "key")).toEqual(["bb", "cc", "dd"]);
    topic.publish("key", "e".repeat(8), undefined);
    expect(texts(topic, "key")).toEqual(["cc", "dd", "e".repeat(8)]);
    topic.publish("key", "ffff", undefined);
    expect(texts(topic, "key")).toEqual(["e".repeat(8), "ffff"]);
    clock.advance(99);
    expect(texts(topic, "key")).toHaveLength(2);
    clock.advance(1);
    expect(texts(topic, "key")).toEqual([]);
  });

  test("keeps nothing, and does not look for more to let go for ever, where a limit is less than nothing", () => {
    for (const limit of [{ maxEvents: -1 }, { maxBytes: -1 }]) {
      const { topic } = createTopic({}, limit);
      topic.publish("key", "", undefined);
      expect(topic.read("key", all).events).toEqual([]);
    }
  });

  test("takes nothing for a key when its last event is forgotten, and waits for nothing then", () => {
    const { clock, backend, topic } = createTopic({}, { maxAgeMs: 100 });
    for (let key = 0; key < 50; key++) topic.publish(`key ${key}`, "text", undefined);
    expect(topic.keys).toBe(50);
    clock.advance(50);
    topic.publish("late", "text", undefined);
    clock.advance(50);
    expect(topic.keys).toBe(1);
    clock.advance(50);
    expect([topic.keys, backend.bytes, clock.timers]).toEqual([0, 0, 0]);
  });

  test("tells of a gap after a position of a key that it has forgotten, and of none where nothing was missed", () => {
    const { clock, topic } = createTopic({}, { maxAgeMs: 100 });
    const first = topic.publish("key", "a", undefined);
    const second = topic.publish("key", "b", undefined);
    clock.advance(100);
    expect(topic.keys).toBe(0);
    expect(topic.read("key", { ...all, after: first }).gap).toEqual({ from: first, to: second });
    expect(topic.read("key", { ...all, after: second }).gap).toBeUndefined();
    topic.publish("key", "c", undefined);
    expect(topic.read("key", { ...all, after: first })).toMatchObject({
      gap: { from: first },
      events: [{ text: "c" }],
    });
    expect(topic.read("key", { ...all, after: second })).toMatchObject({ gap: undefined, events: [{ text: "c" }] });
  });

  test("keeps no more of all topics together than it may, and lets the oldest go first", () => {
    const { backend, topic } = createTopic({ maxBytes: 10_000 });
    const other = backend.topic("other", unlimited);
    for (let count = 0; count < 100; count++) (count % 2 === 0 ? topic : other).publish("key", `${count}`, undefined);
    expect(backend.bytes).toBeLessThanOrEqual(10_000);
    const kept = texts(topic, "key");
    expect(kept.length).toBeGreaterThan(15);
    expect(Math.abs(kept.length - texts(other, "key").length)).toBeLessThanOrEqual(1);
    expect(kept.at(-1)).toBe("98");
    expect(topic.publish("huge", "x".repeat(20_000), undefined).offset).toBe(101);
    expect([texts(topic, "huge"), texts(topic, "key"), backend.bytes]).toEqual([[], [], 0]);
  });

  test("forgets the ids of events after two minutes", () => {
    const { clock, topic } = createTopic();
    const first = topic.publish("key", "a", "id");
    clock.advance(119_999);
    expect(topic.publish("key", "a", "id")).toEqual(first);
    clock.advance(1);
    expect(topic.publish("key", "a", "id")).not.toEqual(first);
  });

  test("has told every follower when publish returns, also who was told by another", () => {
    const { topic } = createTopic();
    const heard: string[] = [];
    const listener = (name: string, answer?: string) => ({
      onStarted: () => {},
      onGap: () => {},
      onEvent: ({ text }: { text: string }) => {
        heard.push(`${name} ${text}`);
        if (text === "ping" && answer !== undefined) topic.publish("key", answer, undefined);
      },
    });
    topic.follow("key", listener("a", "pong"));
    topic.follow("key", listener("b"));
    topic.publish("key", "ping", undefined);
    expect(heard).toEqual(["a ping", "b ping", "a pong", "b pong"]);
  });

  test("starts a follow that begins within an event after that event", () => {
    const { topic } = createTopic();
    const heard: string[] = [];
    const late = { onStarted: () => {}, onGap: () => {}, onEvent: ({ text }: { text: string }) => heard.push(text) };
    topic.follow("key", {
      ...late,
      onEvent: ({ text }) => {
        if (text === "first") topic.follow("key", { ...late, onEvent: (event) => heard.push(event.text) });
      },
    });
    topic.publish("key", "first", undefined);
    expect(heard).toEqual([]);
    topic.publish("key", "second", undefined);
    expect(heard).toEqual(["second"]);
  });

  test("has nothing left of 100,000 follows that were closed", () => {
    const { backend, topic } = createTopic();
    const listener = { onStarted: () => {}, onEvent: () => {}, onGap: () => {} };
    for (let round = 0; round < 100_000; round++) topic.follow(`key ${round % 100}`, listener).close();
    expect(backend.entries).toBe(0);
  });
});

test("memoryBroker has publishes stored when they return, and holds nothing open when it is closed", async () => {
  const clock = new FakeClock();
  const broker = memoryBroker({ clock });
  const topic = broker.openTopic("topic", { ...unlimited, maxAgeMs: 1_000 });
  const publish = topic.publish("key", "a", now);
  const page = topic.history("key", all);
  expect((await page).events).toHaveLength(1);
  expect((await publish).offset).toBe(1);
  await broker.lease("group", new Map([["ada", ""]]), 1_000);
  expect(clock.timers).toBe(2);
  await broker.close();
  expect(clock.timers).toBe(0);
});
