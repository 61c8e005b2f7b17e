import { tracked } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { createTopic, Puller, publish, turns } from "../testing/topic-world.ts";

describe("a snapshot after a gap", () => {
  test("that is still of an event which history knows nothing of is not taken for ever, and is followed from now on", async () => {
    const { hub, topic, backend } = createTopic();
    const [old] = await publish(topic, "a", 1);
    backend.flush();
    let taken = 0;
    const snapshot = () => {
      taken++;
      return Promise.resolve(tracked(old ?? "", { sum: 1 }));
    };
    const puller = new Puller(topic.subscribe("a", { snapshot }));
    const got: unknown[] = [];
    for (let round = 0; round < 10; round++) {
      await turns();
      got.push(...puller.take());
    }
    expect(taken).toBe(2);
    expect(got).toMatchObject([{ sum: 1 }, { from: old }, { sum: 1 }]);
    await publish(topic, "a", 2);
    expect(puller.take()).toEqual([2]);
    const resumed = new Puller(topic.subscribe("a", { snapshot }), puller.ids.at(-2));
    await turns();
    expect(resumed.start?.recovered).toBe(true);
    expect(resumed.take()).toEqual([2]);
    await hub.close();
  });

  test("that has moved on is followed from where it says, and taken again after the next gap", async () => {
    const { hub, topic, backend } = createTopic();
    const [old] = await publish(topic, "a", 1);
    backend.flush();
    let id = old ?? "";
    let taken = 0;
    const snapshot = async () => {
      const of = id;
      if (taken++ === 0) [id = ""] = await publish(topic, "a", 2);
      return tracked(of, { of: taken });
    };
    const puller = new Puller(topic.subscribe("a", { snapshot }));
    const got: unknown[] = [];
    for (let round = 0; round < 10; round++) {
      await turns();
      got.push(...puller.take());
    }
    expect(got).toMatchObject([{ of: 1 }, { from: old }, { of: 2 }]);
    backend.flush();
    await turns();
    expect(puller.take()).toMatchObject([{ from: id }]);
    await hub.close();
  });

  test("says of some keys what history goes on from, and of others what it knows nothing of", async () => {
    const { hub, topic, backend } = createTopic();
    await publish(topic, "a", 1);
    await publish(topic, "b", 2);
    const before = new Puller(topic.subscribe(["a", "b"]));
    const old = before.start?.id ?? "";
    backend.flush();
    await publish(topic, "b", 3);
    let taken = 0;
    const snapshot = () => {
      taken++;
      return Promise.resolve(tracked(old, { sum: 3 }));
    };
    const puller = new Puller(topic.subscribe(["a", "b"], { snapshot }));
    const got: unknown[] = [];
    for (let round = 0; round < 20; round++) {
      await turns();
      got.push(...puller.take());
    }
    expect(taken).toBeLessThan(4);
    expect(got.at(-1)).toEqual({ sum: 3 });
    await publish(topic, "a", 4);
    await publish(topic, "b", 5);
    await turns();
    expect(puller.take()).toEqual([4, 5]);
    await hub.close();
  });

  test("is taken again with latest too, where there is no newer event to give", async () => {
    const { hub, topic, backend } = createTopic();
    const [after] = await publish(topic, "a", 1);
    backend.flush();
    const subscription = topic.subscribe("a", { policy: "latest", snapshot: () => ({ state: "new" }) });
    const puller = new Puller(subscription, after);
    await turns();
    expect(puller.take()).toMatchObject([{ from: after }, { state: "new" }]);
    await publish(topic, "a", 2);
    expect(puller.take()).toEqual([2]);
    await hub.close();
  });
});
