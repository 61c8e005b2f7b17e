import { FakeClock } from "@tautline/core/testing";
import { tracked } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { Post, Puller, publish, turns } from "../testing/topic-world.ts";
import type { BrokerTopic, HistoryLimits, HistoryPage, HistoryQuery } from "./broker.ts";
import { createHub } from "./hub.ts";
import type { TopicOptions } from "./hub-options.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBroker } from "./memory-broker.ts";

describe("a topic's subscription, with a broker that takes its time,", () => {
  const pages = async (): Promise<void> => {
    for (let page = 0; page < 3; page++) await turns();
  };

  /**
   * A topic whose broker gives pages of history when it is let, as they were when they were asked for. `stale` pages are those of a
   * copy that has nothing new yet.
   */
  function createSlowTopic(options: TopicOptions = {}) {
    const counts = { reads: 0, stale: 0 };
    const clock = new FakeClock();
    const backend = new MemoryBackend({ clock });
    const broker = new MemoryBroker(backend);
    const held: { readonly key: string; readonly give: () => void }[] = [];
    const openTopic = broker.openTopic.bind(broker);
    const hub = createHub({
      clock,
      broker: Object.assign(broker, {
        openTopic: (name: string, limits: HistoryLimits): BrokerTopic => {
          const topic = openTopic(name, limits);
          const history = topic.history.bind(topic);
          return Object.assign(topic, {
            history: async (key: string, query: HistoryQuery): Promise<HistoryPage> => {
              const { after } = query;
              const page = await history(key, query);
              if (after === undefined) return page;
              counts.reads++;
              await new Promise<void>((give) => held.push({ key, give }));
              return counts.stale-- > 0 ? { events: [], gap: undefined, end: after } : page;
            },
          });
        },
      }),
    });
    const give = async (key?: string): Promise<void> => {
      const given = held.filter((one) => key === undefined || one.key === key);
      for (const one of given) held.splice(held.indexOf(one), 1);
      for (const one of given) one.give();
      await turns();
    };
    return { clock, backend, hub, give, counts, topic: hub.topic("posts", Post, options) };
  }

  test("keeps what comes while history is read, also where history keeps nothing", async () => {
    const { hub, topic, give } = createSlowTopic({ history: false });
    const [after] = await publish(topic, "a", 1);
    await publish(topic, "a", 2);
    const other = new Puller(topic.subscribe("a"));
    const puller = new Puller(topic.subscribe("a"), after);
    await publish(topic, "a", 3);
    other.take();
    await give();
    await publish(topic, "a", 4);
    expect(puller.take()).toMatchObject([{ from: after }, 3, 4]);
    await hub.close();
  });

  test("reads on where a page is older than what is kept of the feed", async () => {
    const { hub, topic, give } = createSlowTopic({ buffer: { maxEvents: 2 } });
    const [after] = await publish(topic, "a", 1);
    await publish(topic, "a", 2);
    const puller = new Puller(topic.subscribe("a"), after);
    await turns();
    await publish(topic, "a", 3, 4, 5, 6);
    await give();
    expect(puller.take()).toEqual([2]);
    await turns();
    await give();
    expect(puller.take()).toEqual([3, 4, 5, 6]);
    await hub.close();
  });

  test("reads again after a while where history does not have what was heard of already", async () => {
    const { hub, topic, give, clock, counts } = createSlowTopic();
    const [after] = await publish(topic, "a", 1, 2);
    counts.stale = 2;
    const puller = new Puller(topic.subscribe("a"), after);
    for (let read = 1; read <= 3; read++) {
      await turns();
      expect([counts.reads, puller.take()]).toEqual([read, []]);
      await give();
      if (read < 3) expect(puller.take()).toEqual([]);
      clock.advance(500);
    }
    expect(puller.take()).toEqual([2]);
    await hub.close();
  });

  test("reads once for all who come back to the same event", async () => {
    const { hub, topic, give, counts } = createSlowTopic();
    const [after] = await publish(topic, "a", 1, 2);
    const pullers = [1, 2, 3].map(() => new Puller(topic.subscribe("a"), after));
    await turns();
    await give();
    for (const puller of pullers) expect(puller.take()).toEqual([2]);
    expect(counts.reads).toBe(1);
    await hub.close();
  });

  test("forgets a page that comes when it has gone on elsewhere", async () => {
    const { hub, topic, give } = createSlowTopic({ history: { maxEvents: 2 } });
    const first = new Puller(topic.subscribe(["a", "b"]));
    await publish(topic, "b", 1);
    await publish(topic, "a", 2);
    const [, old] = [first.take(), first.ids[0] ?? ""];
    first.reader.close();
    await publish(topic, "b", 3);
    await publish(topic, "a", 4, 5, 6);
    let taken = 0;
    const snapshot = () => (taken++ === 0 ? tracked(old, { taken }) : { taken });
    const puller = new Puller(topic.subscribe(["a", "b"], { snapshot }));
    await turns();
    await give("a");
    expect(puller.take()).toMatchObject([{ taken: 1 }, { from: old }, { taken: 2 }]);
    await give("b");
    await publish(topic, "b", 7);
    expect(puller.take()).toEqual([7]);
    await hub.close();
  });

  test("ends while it reads, and while it starts, and leaves nothing", async () => {
    const { hub, topic, backend, give, clock } = createSlowTopic({ history: { maxAgeMs: 10 } });
    const [after] = await publish(topic, "a", 1, 2);
    const puller = new Puller(topic.subscribe("a"), after);
    puller.reader.close();
    await give();
    expect([puller.start, puller.ended, puller.take()]).toEqual([undefined, "not yet", []]);
    const starting = new Puller(topic.subscribe("b"), undefined, (reader) => reader.close());
    expect(starting.ended).toBe("not yet");
    await pages();
    clock.advance(10);
    expect(backend.entries).toBe(0);
    await hub.close();
  });
});
