import { describe, expect, test } from "vitest";
import { createTopic, Puller, publish } from "../testing/topic-world.ts";

describe("a subscriber that does not keep up", () => {
  const buffer = { maxEvents: 8 };
  const ten = Array.from({ length: 10 }, (_, index) => 10 + index);

  test("gets what was kept for it, and word of a gap where that was too much", async () => {
    const { hub, topic } = createTopic({ buffer });
    const puller = new Puller(topic.subscribe("a"));
    await publish(topic, "a", 1, 2, 3, 4, 5, 6, 7, 8);
    expect(puller.ready).toBe(1);
    expect(puller.take()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const ids = await publish(topic, "a", ...ten);
    expect(puller.take()).toMatchObject([{ from: puller.ids[7], to: ids[4] }, 15, 16, 17, 18, 19]);
    await publish(topic, "a", 21);
    expect(puller.take()).toEqual([21]);
    expect(puller.ready).toBe(3);
    await hub.close();
  });

  test("is measured in bytes as well", async () => {
    const { hub, topic } = createTopic({ buffer: { maxBytes: 300 } });
    const puller = new Puller(topic.subscribe("a"));
    for (let n = 1; n <= 3; n++) await topic.publish("a", { n, by: "x".repeat(100) });
    expect(puller.take()).toMatchObject([{ from: puller.start?.id }, 3]);
    await hub.close();
  });

  test("with latest gets the newest of each key, and word of what was skipped", async () => {
    const { hub, topic } = createTopic({ buffer });
    const puller = new Puller(topic.subscribe(["a", "b"], { policy: "latest" }));
    await publish(topic, "a", 1);
    expect(puller.take()).toEqual([1]);
    await publish(topic, "a", 2, 3);
    await publish(topic, "b", 4);
    await publish(topic, "a", ...ten, ...ten);
    expect(puller.take()).toMatchObject([{ from: puller.ids[0] }, 19, 4]);
    await publish(topic, "b", 5, 6);
    expect(puller.take()).toMatchObject([{ from: puller.ids[2] }, 6]);
    await hub.close();
  });

  test("with latest is told of the gap up to the event before the one that it gets", async () => {
    const { hub, topic } = createTopic();
    const puller = new Puller(topic.subscribe("a", { policy: "latest" }));
    const ids = await publish(topic, "a", 1, 2, 3);
    expect(puller.take()).toMatchObject([{ from: puller.start?.id, to: ids[1] }, 3]);
    expect(puller.ids).toEqual([ids[2]]);
    await hub.close();
  });

  test("with latest hears of no gap where only what it does not want was skipped", async () => {
    const { hub, topic } = createTopic({ policy: "latest" });
    const puller = new Puller(topic.subscribe("a").filter(({ n }) => n % 2 === 0));
    await publish(topic, "a", 1, 2, 3);
    expect(puller.take()).toEqual([2]);
    await publish(topic, "a", 4, 5, 6);
    expect(puller.take()).toMatchObject([{}, 6]);
    await hub.close();
  });

  test("with latest gets the newest that comes after a gap, or the gap alone", async () => {
    const { hub, topic, backend } = createTopic({ policy: "latest" });
    const puller = new Puller(topic.subscribe("a"));
    await publish(topic, "a", 1);
    backend.flush();
    expect(puller.take()).toMatchObject([{ from: puller.start?.id }]);
    await publish(topic, "a", 2);
    backend.flush();
    const ids = await publish(topic, "a", 3, 4);
    expect(puller.take()).toMatchObject([{ to: ids[0] }, 4]);
    await hub.close();
  });

  test("with close is ended as soon as it has fallen behind, and leaves nothing", async () => {
    const { hub, topic, backend } = createTopic({ buffer, history: false });
    const puller = new Puller(topic.subscribe("a", { policy: "close" }));
    const other = new Puller(topic.subscribe("a"));
    await publish(topic, "a", 1, 2, 3, 4, 5, 6, 7, 8);
    expect(puller.ended).toBe("not yet");
    await publish(topic, "a", 9);
    expect(puller.ended).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    expect(puller.take()).toEqual([]);
    other.reader.close();
    expect(backend.entries).toBe(0);
    await hub.close();
  });

  test("does not delay others, who get each event in the turn in which it is published", async () => {
    const { hub, topic } = createTopic({ buffer });
    const stalled = Array.from({ length: 10 }, () => new Puller(topic.subscribe("a")));
    const puller = new Puller(topic.subscribe("a"));
    for (let n = 0; n < 100; n++) {
      void topic.publish("a", { n });
      expect(puller.take()).toEqual([n]);
    }
    for (const one of stalled) expect(one.take()).toMatchObject([{}, 95, 96, 97, 98, 99]);
    await hub.close();
  });
});
