import { expect, test } from "vitest";
import { createTopic, Reader } from "../testing/topic-world.ts";

const closed = { code: "SERVICE_UNAVAILABLE", message: "the hub is closed" };

test("whatever is asked of a hub that is closed is unavailable, as tRPC has it", async () => {
  const { hub, topic } = createTopic();
  await hub.close();
  await expect(topic.publish("a", { n: 1 })).rejects.toMatchObject(closed);
  await expect(topic.history("a")).rejects.toMatchObject(closed);
  await expect(hub.counts()).rejects.toMatchObject(closed);
  expect(() => hub.broadcast("news")).toThrow(expect.objectContaining(closed));
  expect(() => hub.onBroadcast("news", () => {})).toThrow(expect.objectContaining(closed));
  const late = new Reader(topic.subscribe("a"));
  await late.take();
  expect(late.ended).toMatchObject(closed);
});

test("a publish that waits for a broker that is away is unavailable too, when the hub is closed meanwhile", async () => {
  const { hub, broker, topic } = createTopic();
  broker.cut();
  const failed = topic.publish("a", { n: 1 }).catch((error: unknown) => error);
  await hub.close();
  broker.restore();
  expect(await failed).toMatchObject(closed);
});

test("other errors of a broker stay what they are", async () => {
  const { hub, broker, topic } = createTopic({}, { publishWaitMs: 0 });
  broker.cut();
  await expect(topic.publish("a", { n: 1 })).rejects.not.toMatchObject({ message: closed.message });
  await hub.close();
});
