import { tracked } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { createTopic, numbers, Puller, publish, Reader, turns } from "../testing/topic-world.ts";

describe("a topic's snapshot", () => {
  test("comes first, and is followed from where it was taken, without a loss and without a double", async () => {
    const { hub, topic } = createTopic();
    let sum = 0;
    const add = (n: number): Promise<unknown> => {
      sum += n;
      return topic.publish("a", { n });
    };
    await add(1);
    const reader = new Reader(topic.subscribe("a", { snapshot: () => ({ sum }) }));
    const adding = [add(10), add(100)];
    const items = await reader.take();
    await Promise.all(adding);
    expect(items).toEqual([{ sum: 1 }, { n: 10, by: "ada" }, { n: 100, by: "ada" }]);
    await reader.stop();
    await hub.close();
  });

  test("that takes its time says of what it is, and is followed from there", async () => {
    const { hub, topic } = createTopic();
    const state = { sum: 0, id: "" };
    const add = async (n: number): Promise<void> => {
      const { id } = await topic.publish("a", { n });
      state.sum += n;
      state.id = id;
    };
    await add(1);
    await add(2);
    const snapshot = async () => {
      await turns();
      const { id, sum } = state;
      await turns();
      return tracked(id, { sum });
    };
    for (const early of [true, false]) {
      const reader = new Reader(topic.subscribe("a", { snapshot }));
      if (early) await add(10);
      await turns();
      await add(100);
      const [first, ...rest] = (await reader.take()) as [{ sum: number }, ...{ n: number }[]];
      expect(first.sum + numbers(rest).reduce((sum, n) => sum + n, 0)).toBe(state.sum);
      await reader.stop();
    }
    await hub.close();
  });

  test("is not taken where a subscription goes on without a gap, and taken again after one", async () => {
    const { hub, topic, backend } = createTopic();
    const [after, last] = await publish(topic, "a", 1, 2);
    let taken = 0;
    const subscription = topic.subscribe("a", { snapshot: () => ({ taken: ++taken }) });
    const puller = new Puller(subscription, after);
    await turns();
    expect(puller.take()).toEqual([2]);
    backend.flush();
    await publish(topic, "a", 3);
    expect(puller.take()).toMatchObject([{ from: last }, { taken: 1 }]);
    await publish(topic, "a", 4);
    expect(puller.take()).toEqual([4]);
    const again = new Puller(subscription, after);
    await turns();
    expect(again.start?.recovered).toBe(false);
    expect(again.take()).toMatchObject([{ from: after, to: `${puller.ids.at(-1)}!` }, { taken: 2 }]);
    const resumed = new Puller(subscription, again.ids[0]);
    await publish(topic, "a", 5);
    expect(resumed.take()).toEqual([5]);
    expect(resumed.start).toEqual({ id: again.ids[0], recovered: true });
    await hub.close();
  });

  test("comes before what is found where it is followed from, whoever waits there", async () => {
    const { hub, topic } = createTopic();
    const snapshot = async () => {
      await turns();
      const { id } = await topic.publish("a", { n: 1 });
      return tracked(id, { sum: 1 });
    };
    const events: string[] = [];
    const receiver = {
      onStarted: () => {},
      // As a server's pump does, which gives its place to a channel where there is nothing before what comes.
      onReady: () => void events.push(reader.waits() ? "rests" : JSON.stringify(reader.take() ?? "nothing")),
      onEnded: () => {},
    };
    const reader = topic.subscribe("a", { snapshot }).read(receiver, undefined);
    reader.open();
    await turns();
    await turns();
    expect(events.filter((event) => event !== '"nothing"')).toEqual([expect.stringContaining('{"sum":1}')]);
    reader.close();
    await hub.close();
  });

  test("of several keys is followed from all their places at once", async () => {
    const { hub, topic } = createTopic();
    const snapshot = async (at: string) => {
      const [list] = at.split(";");
      await turns();
      await topic.publish("b", { n: 1 });
      const { id } = await topic.publish("a", { n: 2 });
      return tracked(`${list};${id};.${id.split(".")[1]}`, { sum: 3 });
    };
    const given: unknown[] = [];
    const receiver = {
      onStarted: () => {},
      onReady: () => {
        for (let next = reader.take(); next !== undefined; next = reader.take())
          if ("data" in next) given.push(next.data);
      },
      onEnded: () => {},
    };
    const reader = topic.subscribe(["a", "b"], { snapshot }).read(receiver, undefined);
    reader.open();
    await turns();
    await turns();
    expect(given).toEqual([{ sum: 3 }]);
    reader.close();
    await hub.close();
  });

  test("is taken again in place of what a subscriber that wants the newest alone has skipped", async () => {
    const { hub, topic, backend } = createTopic({ policy: "latest" });
    let sum = 0;
    const puller = new Puller(topic.subscribe("a", { snapshot: () => ({ sum }) }));
    expect(puller.take()).toEqual([{ sum: 0 }]);
    const ids = await publish(topic, "a", 1, 10);
    sum = 11;
    expect(puller.take()).toEqual([{ from: puller.ids[0], to: `${ids[1]}!` }, { sum: 11 }]);
    await publish(topic, "a", 100);
    expect(puller.take()).toEqual([100]);
    backend.flush();
    sum = 0;
    expect(puller.take()).toMatchObject([{ from: puller.ids[2] }, { sum: 0 }]);
    await hub.close();
  });

  test("that did not come after a gap is taken where the subscription goes on, once", async () => {
    const { hub, topic, backend } = createTopic();
    for (const keys of ["a", ["a", "b"]]) {
      const subscription = topic.subscribe(keys, { snapshot: () => ({ sum: 0 }) });
      const puller = new Puller(subscription);
      puller.take();
      backend.flush();
      const [gap] = puller.take() as [{ to: string }];
      const resumed = new Puller(subscription, gap.to);
      await turns();
      expect(resumed.take()).toEqual([{ sum: 0 }]);
      const again = new Puller(subscription, resumed.ids[0]);
      await turns();
      expect(again.take()).toEqual([]);
      if (keys === "a") expect(await topic.history("a", { after: gap.to })).toEqual([]);
    }
    await hub.close();
  });
});
