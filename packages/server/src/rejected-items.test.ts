import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { createTopic, Puller, publish, turns } from "../testing/topic-world.ts";

/** Promises that were rejected and nobody listens to: they end a process. */
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", onUnhandled);
});

afterEach(() => {
  process.off("unhandledRejection", onUnhandled);
});

test("an item that is skipped for the latest may reject unheard", async () => {
  const { hub, topic } = createTopic();
  const mapped = topic.subscribe("a", { policy: "latest" }).map(async ({ n }) => {
    await turns();
    if (n === 1) throw new Error("not this one");
    return n;
  });
  const puller = new Puller(mapped);
  await publish(topic, "a", 1, 2);
  const [gap, latest] = puller.take();
  expect(gap).toMatchObject({ from: puller.start?.id });
  expect(await latest).toBe(2);
  await turns();
  await turns();
  expect(unhandled).toEqual([]);
  await hub.close();
});

test("an item may reject unheard that waits for a subscriber who leaves", async () => {
  const { hub, topic, backend } = createTopic();
  const onGap = async (): Promise<string> => {
    await turns();
    throw new Error("cannot say what is missing");
  };
  const [old] = await publish(topic, "a", 1);
  backend.flush();
  const puller = new Puller(topic.subscribe("a", { onGap }), old);
  await turns();
  expect(puller.reader.take()).toMatchObject({ from: old });
  puller.reader.close();
  await turns();
  await turns();
  expect(unhandled).toEqual([]);
  await hub.close();
});

test("an event may not fit a contract unheard, that is skipped for the latest", async () => {
  const { hub, topic } = createTopic();
  const schema = z.object({ n: z.number() }).refine(async ({ n }) => {
    await turns();
    return n !== 1;
  });
  const puller = new Puller(topic.subscribe("a", { policy: "latest" }).checkedBy({ schema, tracked: false }));
  await publish(topic, "a", 1, 2);
  const [, latest] = puller.take();
  expect(await latest).toMatchObject({ n: 2 });
  await turns();
  await turns();
  expect(unhandled).toEqual([]);
  await hub.close();
});
