import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { pipeline } from "node:stream";
import type { Broker, HistoryLimits, Position } from "@tautline/server";
import { brokerConformance } from "@tautline/server/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { eventually } from "../../../tests/fixture/eventually.ts";
import { runWithProxies } from "../../../tests/fixture/proxied-brokers.ts";
import { hasRedis, RedisServer } from "../../../tests/fixture/redis-server.ts";
import { startTcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { connectionSettings } from "./options.ts";
import { RedisBroker, redisBroker } from "./redis-broker.ts";

const limits: HistoryLimits = { maxEvents: 10_000, maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 };

const maker = {
  create: (port: number): Broker => redisBroker(`redis://127.0.0.1:${port}`, { backoff: { baseMs: 5, maxMs: 20 } }),
  async prepare(broker: Broker, server: RedisServer): Promise<void> {
    await broker
      .openTopic("is it there?", { maxEvents: 0, maxAgeMs: 1, maxBytes: 0 })
      .publish("", "", { waitMs: 10_000 });
    await server.flush();
  },
};

describe.skipIf(!hasRedis)("a Redis broker (skipped without redis-server)", () => {
  cleanUpAfterEach();
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server?.close());

  for (const conformance of brokerConformance) {
    test(conformance.name, async () => {
      await runWithProxies(conformance, server, maker);
      await eventually("all have gone", async () => (await server.connections()) === 0);
      expect(await server.client.pubsub("CHANNELS")).toEqual([]);
    });
  }

  async function createBroker(): Promise<RedisBroker> {
    const broker = new RedisBroker(connectionSettings(server.url, {}), {});
    afterTest(() => broker.close());
    await broker.openTopic("is it there?", limits).publish("", "", { waitMs: 10_000 });
    await server.flush();
    return broker;
  }

  test("leaves no key, no channel, no subscription and no listener behind after 100,000 follows", async () => {
    const broker = await createBroker();
    const topic = broker.openTopic("topic", limits);
    let started = 0;
    const listener = { onStarted: () => void started++, onEvent: () => {}, onGap: () => {} };
    const round = async (): Promise<void> => {
      const follows = Array.from({ length: 1_000 }, (_, key) => topic.follow(`key ${key}`, listener));
      const listening = broker.listen("channel", () => {});
      // Every other round they stand, every fourth has just been begun.
      if (rounds % 2 === 0) await eventually("all stand", () => started === 1_000);
      else if (rounds % 4 === 1) await new Promise((resolve) => setImmediate(resolve));
      for (const each of [...follows, listening]) each.close();
      started = 0;
    };
    let rounds = 0;
    for (; rounds < 100; rounds++) await round();
    await eventually(
      "nothing is left",
      async () => (await server.entries()) === 0 && (await server.subscriptions()) === 0,
    );
    expect(await server.connections()).toBe(2);
    expect([broker.subscriptions.size, broker.open.size]).toEqual([0, 0]);
  });

  test("tells whoever publishes that it may have been stored where the answer was lost", async () => {
    const way = await startTcpProxy(server.url);
    const broker = redisBroker(way.url, { backoff: { baseMs: 5, maxMs: 20 } });
    afterTest(() => broker.close());
    const topic = broker.openTopic("topic", limits);
    await topic.publish("key", "first", { waitMs: 10_000 });
    await server.pause();
    const lost = topic.publish("key", "second", { waitMs: 10_000 });
    const again = topic.publish("key", "third", { waitMs: 10_000, id: "3" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    way.cut();
    server.goOn();
    await expect(lost).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    // By its id it is known whether it was.
    await again;
    const { events } = await topic.history("key", { limit: 10, maxBytes: 1_000 });
    expect(events.filter(({ text }) => text === "third")).toHaveLength(1);
  });

  test("does not publish again, not even by its id, what may have been stored in a log that is lost", async () => {
    const way = await startTcpProxy(server.url);
    const broker = redisBroker(way.url, { backoff: { baseMs: 5, maxMs: 20 } });
    afterTest(() => broker.close());
    const topic = broker.openTopic("topic", limits);
    await topic.publish("key", "first", { waitMs: 10_000 });
    await server.pause();
    const lost = topic.publish("key", "second", { waitMs: 10_000, id: "2" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    way.refuse(true);
    way.cut();
    server.goOn();
    await server.flush();
    way.refuse(false);
    await expect(lost).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect((await topic.history("key", { limit: 10, maxBytes: 1_000 })).events).toEqual([]);
  });

  test("refuses publishes where too many wait, or they are too long together", async () => {
    const way = await startTcpProxy(server.url);
    const broker = redisBroker(way.url, { maxWaiting: 3, maxWaitingLength: 100 });
    afterTest(() => broker.close());
    way.refuse(true);
    way.cut();
    const topic = broker.openTopic("topic", limits);
    const publish = (text: string): Promise<unknown> => topic.publish("key", text, { waitMs: 60_000 });
    const waiting = [publish("x".repeat(60)), publish("x".repeat(40))];
    await expect(publish("x")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    waiting.push(publish(""));
    await expect(publish("")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    const closed = Promise.allSettled(waiting);
    await broker.close();
    for (const each of await closed) expect(each).toMatchObject({ reason: { code: "CONNECTION_CLOSED" } });
  });

  test("says why it cannot connect, and does not come back once it is closed", async () => {
    const errors: unknown[] = [];
    const broker = redisBroker("redis://127.0.0.1:1", {
      backoff: { baseMs: 1, maxMs: 1 },
      onError: (error) => errors.push(error),
    });
    await eventually("it has tried more than once", () => errors.length > 4);
    await broker.close();
    const before = errors.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(errors).toHaveLength(before);
  });

  test("does not listen to one server while it publishes to another that has taken its place", async () => {
    const other = await RedisServer.start();
    afterTest(() => other.close());
    let at = server;
    const way = createServer((socket) => {
      const upstream = connect(at.port, "127.0.0.1");
      pipeline(socket, upstream, socket, () => {});
    });
    way.listen(0, "127.0.0.1");
    await once(way, "listening");
    afterTest(() => void way.close());
    const broker = redisBroker(`redis://127.0.0.1:${(way.address() as AddressInfo).port}`, {
      backoff: { baseMs: 5, maxMs: 20 },
    });
    afterTest(() => broker.close());
    const heard: string[] = [];
    const topic = broker.openTopic("topic", limits);
    topic.follow("key", {
      onStarted: () => heard.push("started"),
      onEvent: ({ text }) => heard.push(text),
      onGap: () => heard.push("gap"),
    });
    await eventually("it follows", () => heard.length === 1);
    at = other;
    await server.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    const there = redisBroker(other.url);
    afterTest(() => there.close());
    await eventually(
      "it follows there",
      async () => ((await other.client.pubsub("CHANNELS")) as string[]).length === 1,
    );
    await there.openTopic("topic", limits).publish("key", "news", { waitMs: 10_000 });
    await eventually("it is heard", () => heard.includes("news"));
    expect(heard).toEqual(["started", "gap", "news"]);
  });

  test("keeps brokers with other prefixes and databases apart", async () => {
    const heard: string[] = [];
    const others = [redisBroker(`${server.url}/1`), redisBroker(server.url, { prefix: "other" })];
    for (const other of others) {
      afterTest(() => other.close());
      const topic = other.openTopic("topic", limits);
      await topic.publish("key", "other's", { waitMs: 10_000 });
      topic.follow("key", {
        onStarted: () => heard.push("started"),
        onEvent: ({ text }) => heard.push(text),
        onGap: () => {},
      });
      other.listen("channel", (text) => heard.push(text));
    }
    await eventually("they follow", () => heard.length === 2);
    const broker = redisBroker(server.url);
    afterTest(() => broker.close());
    await broker.openTopic("topic", limits).publish("key", "mine", { waitMs: 10_000 });
    broker.signal("channel", "mine");
    for (const other of others) await other.openTopic("topic", limits).publish("key", "last", { waitMs: 10_000 });
    await eventually("they have heard the last", () => heard.length === 4);
    expect(heard).toEqual(["started", "started", "last", "last"]);
    expect(() => redisBroker(server.url, { prefix: "a{b}" })).toThrow(TypeError);
  });

  test("keeps every key of a log on one server of a Cluster", async () => {
    const cluster = await RedisServer.start("--cluster-enabled", "yes");
    afterTest(() => cluster.close());
    await cluster.client.cluster("ADDSLOTSRANGE", 0, 16_383);
    await eventually("it is up", async () => /cluster_state:ok/.test(String(await cluster.client.cluster("INFO"))));
    const broker = redisBroker(cluster.url);
    afterTest(() => broker.close());
    for (const key of ["}", "{", "{}", "a}b", ""]) {
      const topic = broker.openTopic(`t${key}`, { ...limits, maxEvents: 3 });
      for (let count = 0; count < 5; count++)
        await topic.publish(key, `${count}`, { waitMs: 10_000, id: `${key}${count}` });
      expect((await topic.history(key, { limit: 10, maxBytes: 1_000 })).events).toHaveLength(3);
      await broker.lease(key, new Map([["ada", key]]), 60_000);
      expect(await broker.members(key)).toEqual(new Map([["ada", key]]));
    }
  });

  test("goes on with what is there when a log's own record is taken away", async () => {
    const broker = await createBroker();
    const topic = broker.openTopic("topic", limits);
    const first = await topic.publish("key", "first", { waitMs: 0 });
    await topic.publish("key", "second", { waitMs: 0 });
    for (const name of await server.client.keys("*:log:*")) await server.client.del(name);
    await topic.publish("key", "third", { waitMs: 0 });
    const { events, gap } = await topic.history("key", { after: first, limit: 10, maxBytes: 1_000 });
    expect([events.map(({ text }) => text), gap]).toEqual([["second", "third"], undefined]);
    for (const name of await server.client.keys("*{*}")) await server.client.del(name);
    const fourth = await topic.publish("key", "fourth", { waitMs: 0 });
    expect(fourth.epoch).not.toBe(first.epoch);
    expect((await topic.history("key", { after: first, limit: 10, maxBytes: 1_000 })).gap).toMatchObject({
      from: first,
    });
  });

  test("tells exactly where something is missing that was deleted from the middle", async () => {
    const broker = await createBroker();
    const topic = broker.openTopic("topic", limits);
    const positions: Position[] = [];
    for (const text of ["a", "b", "c", "d", "e"]) positions.push(await topic.publish("key", text, { waitMs: 0 }));
    const [name = ""] = await server.client.keys("*:events:*");
    await server.client.xdel(name, `${positions[2]?.offset}-0`);
    const [after, second, third] = positions;
    const page = await topic.history("key", { after, limit: 10, maxBytes: 1_000 });
    expect([page.events.map(({ text }) => text), page.gap, page.end]).toEqual([["b"], undefined, second]);
    const next = await topic.history("key", { after: page.end, limit: 10, maxBytes: 1_000 });
    expect([next.events.map(({ text }) => text), next.gap]).toEqual([["d", "e"], { from: second, to: third }]);
  });
});
