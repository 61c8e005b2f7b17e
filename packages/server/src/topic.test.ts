import { rich, SchemaError, TautlineError } from "@tautline/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createTopic, createWorld, Post, type Posts, publish, turns } from "../testing/topic-world.ts";

describe("a topic", () => {
  test("gives what its schema makes of an event, with its id, and keeps that", async () => {
    const { hub, topic } = createTopic();
    const event = await topic.publish("a", { n: 1 });
    expect(event.id).toMatch(/^[\w-]+\.\d+$/);
    expect(event).toEqual({ id: event.id, key: "a", data: { n: 1, by: "ada" } });
    expect(await topic.history("a")).toEqual([event]);
    await hub.close();
  });

  test("keeps what JSON loses, and copies what it is given", async () => {
    const { hub } = createWorld();
    const topic = hub.topic("rich", z.any());
    const given = { at: new Date(5), seen: new Set([1n]), nothing: undefined };
    await topic.publish("a", given);
    given.at.setTime(6);
    await topic.publish("a", undefined);
    const [first, second] = await topic.history("a");
    expect(first?.data).toEqual({ at: new Date(5), seen: new Set([1n]), nothing: undefined });
    expect(second?.data).toBeUndefined();
    await hub.close();
  });

  test("refuses an event that does not fit, cannot be written or is too long, and keys that are none", async () => {
    const { hub, topic } = createTopic({}, { maxEventBytes: 60 });
    // @ts-expect-error: no number
    await expect(topic.publish("a", { n: "1" })).rejects.toThrow(SchemaError);
    await expect(topic.publish("a", { n: 1, by: "x".repeat(60) })).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    const any = hub.topic("any", z.any());
    const circular: unknown[] = [];
    circular.push(circular);
    await expect(any.publish("a", circular)).rejects.toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    for (const key of ["\ud800", "k".repeat(513), 1 as unknown as string]) {
      await expect(topic.publish(key, { n: 1 })).rejects.toMatchObject({ code: "BAD_REQUEST" });
      await expect(topic.history(key)).rejects.toMatchObject({ code: "BAD_REQUEST" });
      expect(() => topic.subscribe(key)).toThrow(TautlineError);
      expect(() => topic.presence(key)).toThrow(TautlineError);
    }
    expect(() => topic.subscribe([])).toThrow(TautlineError);
    expect(() => topic.subscribe(Array.from({ length: 101 }, (_, index) => `${index}`))).toThrow(TautlineError);
    expect(await topic.history("a")).toEqual([]);
    await hub.close();
  });

  test("is published and with its subscribers when publish returns, in memory", async () => {
    const { hub, topic } = createTopic();
    const heard: number[] = [];
    const subscription = topic.subscribe("a").filter(({ n }) => heard.push(n) > 0);
    const next = subscription[Symbol.asyncIterator]().next();
    void topic.publish("a", { n: 1 });
    expect(heard).toEqual([1]);
    expect((await next).value?.[1]).toEqual({ n: 1, by: "ada" });
    await hub.close();
  });

  test("waits for an asynchronous schema", async () => {
    const { hub } = createWorld();
    const topic = hub.topic(
      "later",
      z.string().refine(async (text) => text !== "no"),
    );
    expect(await topic.publish("a", "yes")).toMatchObject({ data: "yes" });
    await expect(topic.publish("a", "no")).rejects.toThrow(SchemaError);
    await hub.close();
  });

  test("publishes what has the same dedupeId once", async () => {
    const { hub, topic } = createTopic();
    const first = await topic.publish("a", { n: 1 }, { dedupeId: "draft" });
    expect(await topic.publish("a", { n: 1 }, { dedupeId: "draft" })).toEqual(first);
    expect(await topic.history("a")).toHaveLength(1);
    await hub.close();
  });

  test("reads its history by ids", async () => {
    const { hub, topic } = createTopic();
    const ids = await publish(topic, "a", 1, 2, 3, 4, 5);
    const read = async (options: Parameters<Posts["history"]>[1]): Promise<number[]> =>
      (await topic.history("a", options)).map(({ data }) => data.n);
    expect(await read({ limit: 2 })).toEqual([4, 5]);
    expect(await read({ after: ids[1] })).toEqual([3, 4, 5]);
    expect(await read({ before: ids[3], limit: 2 })).toEqual([2, 3]);
    expect(await read({ after: ids[0], before: ids[4], limit: 2 })).toEqual([2, 3]);
    expect(await read({ after: "another.3" })).toEqual([1, 2, 3, 4, 5]);
    expect(await read({ limit: -3 })).toEqual([5]);
    await expect(topic.history("a", { after: "no id" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await hub.close();
  });

  test("keeps what it is told to, and nothing where it is told so", async () => {
    const { hub, topic } = createTopic({ history: { maxEvents: 2 } });
    await publish(topic, "a", 1, 2, 3);
    expect((await topic.history("a")).map(({ data }) => data.n)).toEqual([2, 3]);
    const none = hub.topic("none", Post, { history: false });
    await none.publish("a", { n: 1 });
    expect(await none.history("a")).toEqual([]);
    await hub.close();
  });

  test("exists once in a hub", async () => {
    const { hub } = createTopic();
    expect(() => hub.topic("posts", Post)).toThrow(TypeError);
    await hub.close();
  });

  test("fails to publish, or waits, while the broker is away, as it is told to", async () => {
    const { hub, topic, broker, clock } = createTopic({}, { publishWaitMs: 100 });
    broker.cut();
    const waiting = topic.publish("a", { n: 1 });
    await turns();
    clock.advance(100);
    await expect(waiting).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    const patient = topic.publish("a", { n: 3 });
    clock.advance(99);
    broker.restore();
    expect(await patient).toMatchObject({ data: { n: 3 } });
    await hub.close();
    const hasty = createTopic({}, { publishWaitMs: 0 });
    hasty.broker.cut();
    await expect(hasty.topic.publish("a", { n: 1 })).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await hasty.hub.close();
  });

  test("writes events with the transformer that it is given", async () => {
    const transformer = {
      serialize: (value: unknown) => ({ wrapped: rich.serialize(value) }),
      deserialize: (value: { wrapped: unknown }) => rich.deserialize(value.wrapped),
    };
    const { hub, backend } = createWorld({ transformer });
    const topic = hub.topic("posts", Post);
    await topic.publish("a", { n: 1 });
    const page = backend
      .topic("posts", { maxEvents: 1, maxAgeMs: 1, maxBytes: 1 })
      .read("a", { limit: 9, maxBytes: 99 });
    expect(page.events[0]?.text).toBe('{"wrapped":{"n":1,"by":"ada"}}');
    expect(await topic.history("a")).toMatchObject([{ data: { n: 1 } }]);
    await hub.close();
  });
});
