import { tracked } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { createTopic, numbers, Post, Puller, publish, Reader, turns } from "../testing/topic-world.ts";
import { createHub } from "./hub.ts";
import { MemoryBroker } from "./memory-broker.ts";

describe("a topic's subscription", () => {
  test("gives events as tracked items, from when it is first read", async () => {
    const { hub, topic } = createTopic();
    const subscription = topic.subscribe("a");
    await publish(topic, "a", 1);
    const reader = new Reader(subscription);
    const ids = await publish(topic, "a", 2, 3);
    await publish(topic, "b", 9);
    expect(numbers(await reader.take())).toEqual([2, 3]);
    expect(reader.ids).toEqual(ids);
    await reader.stop();
    await hub.close();
  });

  test("may be read by several, each on its own", async () => {
    const { hub, topic } = createTopic();
    const subscription = topic.subscribe("a");
    const readers = [new Reader(subscription), new Reader(subscription)];
    await publish(topic, "a", 1);
    expect(numbers((await readers[0]?.take()) ?? [])).toEqual([1]);
    await publish(topic, "a", 2);
    expect(numbers((await readers[1]?.take()) ?? [])).toEqual([1, 2]);
    for (const reader of readers) await reader.stop();
    await hub.close();
  });

  test.each([0, 1, 126, 127, 128, 129, 300])(
    "goes on after an id from history, %i events long, and then live",
    async (count) => {
      const { hub, topic } = createTopic();
      const [after] = await publish(topic, "a", 0);
      const missed = Array.from({ length: count }, (_, index) => index + 1);
      await publish(topic, "a", ...missed);
      const reader = new Reader(topic.subscribe("a", { after: after ?? "" }));
      const live = publish(topic, "a", 1_000, 1_001);
      expect(numbers(await reader.take(2_000))).toEqual([...missed, 1_000, 1_001]);
      await live;
      await reader.stop();
      await hub.close();
    },
  );

  test("catches up at its reader's pace while events come, without a loss and without a double", async () => {
    for (let pause = 0; pause < 6; pause++) {
      const { hub, topic, broker } = createTopic({ buffer: { maxEvents: 4 } });
      const [after] = await publish(topic, "a", 0);
      await publish(topic, "a", ...Array.from({ length: 200 }, (_, index) => index + 1));
      const reader = new Reader(topic.subscribe("a", { after: after ?? "" }));
      for (let n = 201; n <= 400; n++) {
        await publish(topic, "a", n);
        if (n % (pause + 2) === 0) await reader.take(pause);
        if (n === 250) broker.cut();
        if (n === 250) broker.restore();
      }
      await reader.take(1_000);
      expect(numbers(reader.items)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
      await reader.stop();
      await hub.close();
    }
  });

  test("misses nothing of what was kept for another when it comes to it from history, and the other has taken that", async () => {
    const { hub, topic } = createTopic();
    const [after] = await publish(topic, "a", 0);
    const slow = new Reader(topic.subscribe("a"));
    const all = Array.from({ length: 200 }, (_, index) => index + 1);
    await publish(topic, "a", ...all);
    // More than a page behind the feed: the end of the first page is among what is kept.
    const late = new Reader(topic.subscribe("a", { after: after ?? "" }));
    await late.take(129);
    await slow.take(200);
    await late.take(200);
    expect(numbers(late.items)).toEqual(all);
    for (const reader of [slow, late]) await reader.stop();
    await hub.close();
  });

  test("goes on on another node", async () => {
    const { hub, topic, backend, clock } = createTopic();
    const other = createHub({ broker: new MemoryBroker(backend), clock });
    const there = other.topic("posts", Post);
    const ids = await publish(topic, "a", 1, 2);
    const reader = new Reader(there.subscribe("a", { after: ids[0] }));
    await publish(topic, "a", 3);
    await publish(there, "a", 4);
    expect(numbers(await reader.take())).toEqual([2, 3, 4]);
    await reader.stop();
    await other.close();
    await hub.close();
  });

  test("tells of a gap exactly where history no longer has what was missed", async () => {
    const { hub, topic } = createTopic({ history: { maxEvents: 3 } });
    const ids = await publish(topic, "a", 1, 2, 3, 4, 5, 6);
    for (const [index, after] of ids.entries()) {
      const gaps: unknown[] = [];
      const reader = new Reader(topic.subscribe("a", { after, onGap: ({ from, to }) => void gaps.push({ from, to }) }));
      const missed = [1, 2, 3, 4, 5, 6].slice(Math.max(index + 1, 3));
      expect(numbers(await reader.take())).toEqual(missed);
      expect(gaps).toEqual(index < 2 ? [{ from: after, to: ids[2] }] : []);
      await reader.stop();
    }
    await hub.close();
  });

  test("tells of a gap after an id of another epoch, and gives all that there is", async () => {
    const { hub, topic, backend } = createTopic();
    const [before] = await publish(topic, "a", 1);
    backend.flush();
    await publish(topic, "a", 2, 3);
    const gaps: { from: string; to: string }[] = [];
    const reader = new Reader(topic.subscribe("a", { after: before, onGap: (gap) => void gaps.push(gap) }));
    expect(numbers(await reader.take())).toEqual([2, 3]);
    expect(gaps).toMatchObject([{ from: before }]);
    await reader.stop();
    await hub.close();
  });

  test("tells of a gap after an id that is none, and goes on with what comes", async () => {
    const { hub, topic } = createTopic();
    await publish(topic, "a", 1);
    const gaps: { from: string }[] = [];
    const reader = new Reader(topic.subscribe("a", { after: "a draft's id", onGap: (gap) => void gaps.push(gap) }));
    await publish(topic, "a", 2);
    expect(numbers(await reader.take())).toEqual([2]);
    expect(gaps).toMatchObject([{ from: "a draft's id" }]);
    await reader.stop();
    await hub.close();
  });

  test("tells its readers of a gap in the middle, and goes on, where the broker was flushed", async () => {
    const { hub, topic, backend } = createTopic();
    const told = topic.subscribe("a", { onGap: () => ({ n: -1, by: "gap" }) });
    const reader = new Reader(told);
    await publish(topic, "a", 1);
    backend.flush();
    await publish(topic, "a", 2);
    expect(numbers(await reader.take())).toEqual([1, -1, 2]);
    await reader.stop();
    await hub.close();
  });

  test("stays while the broker is away, and gets what it has missed when it is back", async () => {
    const { hub, topic, backend, broker, clock } = createTopic();
    const other = createHub({ broker: new MemoryBroker(backend), clock });
    const there = other.topic("posts", Post);
    const reader = new Reader(topic.subscribe("a"));
    const [after] = await publish(topic, "a", 1);
    broker.cut();
    const late = new Reader(topic.subscribe("b"));
    const resumed = new Reader(topic.subscribe("a", { after }));
    await publish(there, "a", 2, 3);
    expect(numbers(await reader.take())).toEqual([1]);
    expect(await resumed.take()).toEqual([]);
    broker.restore();
    await publish(there, "b", 8);
    expect(numbers(await reader.take())).toEqual([2, 3]);
    expect(numbers(await late.take())).toEqual([8]);
    clock.advance(500);
    expect(numbers(await resumed.take())).toEqual([2, 3]);
    for (const one of [reader, late, resumed]) await one.stop();
    await other.close();
    await hub.close();
    expect(clock.timers).toBe(backend.bytes > 0 ? 1 : 0);
  });

  test("filters and maps, in the order in which that was said, and sees ids and keys", async () => {
    const { hub, topic } = createTopic();
    const subscription = topic
      .subscribe(["a", "b"])
      .filter(({ n }) => n % 2 === 0)
      .map(({ n }, { key }) => `${key}${n}`)
      .filter((text) => text !== "b4")
      .map((text) => ({ text }));
    const reader = new Reader(subscription);
    await publish(topic, "a", 1, 2);
    await publish(topic, "b", 2, 4);
    await publish(topic, "a", 4);
    expect(await reader.take()).toEqual([{ text: "a2" }, { text: "b2" }, { text: "a4" }]);
    await reader.stop();
    await hub.close();
  });

  test("ends with what a filter, a map, an onGap or a snapshot throws, and ends nobody else's", async () => {
    const { hub, topic, backend } = createTopic();
    const boom = new Error("boom");
    const fail = (): never => {
      throw boom;
    };
    const bystander = new Reader(topic.subscribe("a"));
    const readers = [
      new Reader(topic.subscribe("a").filter(fail)),
      new Reader(topic.subscribe("a").map(fail)),
      new Reader(topic.subscribe("a", { onGap: fail })),
      new Reader(topic.subscribe("a", { snapshot: fail })),
      new Reader(topic.subscribe("a", { snapshot: () => Promise.reject(boom) })),
      new Reader(topic.subscribe("a", { snapshot: () => tracked("of nothing", 1) })),
    ];
    await publish(topic, "a", 1);
    backend.flush();
    await publish(topic, "a", 2);
    for (const reader of readers) await reader.take();
    expect(readers.slice(0, -1).map(({ ended }) => ended)).toEqual([boom, boom, boom, boom, boom]);
    expect(readers.at(-1)?.ended).toBeInstanceOf(TypeError);
    expect(numbers(await bystander.take())).toEqual([1, 2]);
    await bystander.stop();
    expect(backend.entries).toBe(1);
    await hub.close();
  });

  test("gives the events of several keys in the order in which they came, and goes on after all of them", async () => {
    const { hub, topic, backend } = createTopic();
    const keys = ["b", "a", "c", "a"];
    const reader = new Reader(topic.subscribe(keys));
    await publish(topic, "a", 1);
    await publish(topic, "b", 2);
    await publish(topic, "a", 3);
    expect(numbers(await reader.take())).toEqual([1, 2, 3]);
    expect(new Set(reader.ids).size).toBe(3);
    await publish(topic, "c", 4);
    for (const [index, after] of reader.ids.entries()) {
      const puller = new Puller(topic.subscribe(["c", "b", "a"]), after);
      await turns();
      expect(puller.start).toEqual({ id: after, recovered: true });
      expect(new Set(puller.take())).toEqual(new Set([2, 3, 4].slice(index)));
      puller.reader.close();
    }
    await reader.stop();
    expect(backend.entries).toBe(3);
    await hub.close();
  });

  test("takes the id of other keys for one that it does not know", async () => {
    const { hub, topic } = createTopic();
    const reader = new Reader(topic.subscribe(["a", "b"]));
    await publish(topic, "a", 1);
    await reader.take();
    const gaps: unknown[] = [];
    const other = new Reader(
      topic.subscribe(["a", "c"], { after: reader.ids[0], onGap: (gap) => void gaps.push(gap.from) }),
    );
    await publish(topic, "a", 2);
    expect(numbers(await other.take())).toEqual([2]);
    expect(gaps).toEqual([reader.ids[0]]);
    for (const one of [reader, other]) await one.stop();
    await hub.close();
  });

  test("ends when its signal is aborted, also one that was before, and when its loop is left", async () => {
    const { hub, topic, backend } = createTopic();
    const controller = new AbortController();
    const reader = new Reader(topic.subscribe("a", { signal: controller.signal }));
    await reader.take();
    controller.abort();
    await reader.take();
    expect(reader.ended).toBe("done");
    const late = new Reader(topic.subscribe("a", { signal: controller.signal }));
    await late.take();
    expect(late.ended).toBe("done");
    const left = topic.subscribe("a");
    void publish(topic, "a", 1).then(() => publish(topic, "a", 2));
    for await (const [, { n }] of left) if (n === 2) break;
    expect(backend.entries).toBe(1);
    await hub.close();
  });

  test("ends with an error when the hub is closed", async () => {
    const { hub, topic, clock } = createTopic({ history: false });
    const reader = new Reader(topic.subscribe("a"));
    await reader.take();
    await hub.close();
    await reader.take();
    expect(reader.ended).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    const late = new Reader(topic.subscribe("a"));
    await late.take();
    expect(late.ended).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect(clock.timers).toBe(0);
  });

  test("has nothing left of 100,000 that were begun and ended", async () => {
    const { hub, topic, backend } = createTopic();
    for (let round = 0; round < 100_000; round++) {
      const iterator = topic.subscribe(`key ${round % 10}`)[Symbol.asyncIterator]();
      void iterator.return?.();
    }
    expect(backend.entries).toBe(0);
    await hub.close();
  });
});
