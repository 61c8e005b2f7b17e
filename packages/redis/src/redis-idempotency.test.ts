import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { startTcpProxy, type TcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { eventually } from "../testing/eventually.ts";
import { hasRedis, RedisServer } from "../testing/redis-server.ts";
import type { RedisIdempotencyOptions } from "./options.ts";
import { type RedisIdempotencyStore, redisIdempotencyStore } from "./redis-idempotency.ts";

const done = { ok: true, value: { n: 1 } } as const;
const unknown = { code: "OUTCOME_UNKNOWN" };
const away = { code: "SERVICE_UNAVAILABLE" };

describe.skipIf(!hasRedis)("a Redis idempotency store (skipped without redis-server)", () => {
  cleanUpAfterEach();
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server?.close());
  beforeEach(async () => void (await server.client.flushall()));

  /** A node with a way of its own to the server. */
  async function createNode(
    options: RedisIdempotencyOptions = {},
  ): Promise<{ store: RedisIdempotencyStore; way: TcpProxy }> {
    const way = await startTcpProxy(server.url);
    const store = redisIdempotencyStore(way.url, { pollMs: 5, backoff: { baseMs: 5, maxMs: 20 }, ...options });
    afterTest(() => store.close());
    await eventually("it has a name", () => store.name !== undefined);
    return { store, way };
  }

  test("gives the first who claims a key nothing, and everybody after what it came to, on every node", async () => {
    const [{ store: one }, { store: other }] = [await createNode(), await createNode()];
    expect(one.name).toBe(other.name);
    expect(await one.claim("a")).toBeUndefined();
    const waiting = [one.claim("a", one.name), other.claim("a", other.name)];
    expect(await other.claim("b")).toBeUndefined();
    await one.settle("a", done);
    expect(await Promise.all(waiting)).toEqual([done, done]);
    await one.settle("a", { ok: false, shape: "late" });
    await other.settle("a", { ok: false, shape: "another's" });
    expect(await other.claim("a")).toEqual(done);
  });

  test("is ready when it has its name, and when the server does not come for too long", async () => {
    const way = await startTcpProxy(server.url, (index) =>
      index === 0 ? { faults: [{ direction: "down", atByte: 0, type: "stall", turns: 500 }] } : {},
    );
    const store = redisIdempotencyStore(way.url);
    afterTest(() => store.close());
    await store.ready();
    expect(store.name).toBeDefined();
    way.refuse(true);
    const hasty = redisIdempotencyStore(way.url, { waitMs: 20 });
    afterTest(() => hasty.close());
    await hasty.ready();
    expect(hasty.name).toBeUndefined();
  });

  test("gives outcomes back as they were", async () => {
    const { store } = await createNode();
    const outcomes = [
      { ok: true, value: undefined },
      { ok: true, value: null },
      { ok: true, value: 'é日本🎉"\u0000' },
      { ok: true, value: [1, { a: [] }] },
      { ok: false, shape: { message: "no", data: { code: "CONFLICT" } } },
    ] as const;
    for (const [index, outcome] of outcomes.entries()) {
      await store.claim(`${index}`);
      await store.settle(`${index}`, outcome);
      expect(await store.claim(`${index}`)).toStrictEqual(outcome);
    }
  });

  test("knows of an outcome that is too long to be kept only that there was one", async () => {
    const { store } = await createNode({ maxOutcomeBytes: 20 });
    for (const [key, value] of [
      ["fits", "é".repeat(4)],
      ["does not", "é".repeat(8)],
    ]) {
      await store.claim(key ?? "");
      await store.settle(key ?? "", { ok: true, value });
    }
    expect(await store.claim("fits")).toEqual({ ok: true, value: "éééé" });
    await expect(store.claim("does not")).rejects.toMatchObject(unknown);
  });

  test("keeps an outcome for its time, and what runs for as long as it runs", async () => {
    const [{ store: one }, { store: other }] = [await createNode({ keepMs: 200, leaseMs: 60 }), await createNode()];
    await one.claim("long");
    await one.claim("done");
    await one.settle("done", done);
    expect(await other.claim("done")).toEqual(done);
    await eventually("it is forgotten", async () => (await server.client.keys("*}:*")).length === 2);
    const waiting = other.claim("long", other.name);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await one.settle("long", done);
    expect(await waiting).toEqual(done);
  });

  test("does not know what came of a mutation whose node is dead, and forgets it as it does an outcome", async () => {
    const [{ store: one, way }, { store: other }] = [
      await createNode({ leaseMs: 100, keepMs: 200 }),
      await createNode(),
    ];
    await one.claim("a");
    await one.claim("b");
    const waiting = other.claim("a", other.name);
    way.refuse(true);
    way.cut();
    await expect(waiting).rejects.toMatchObject(unknown);
    await expect(other.claim("b", other.name)).rejects.toMatchObject(unknown);
    await eventually("both are forgotten", async () => (await server.client.keys("*}:*")).length === 1);
  });

  test("knows it again when the node was only away", async () => {
    const [{ store: one, way }, { store: other }] = [await createNode({ leaseMs: 50 }), await createNode()];
    await one.claim("a");
    way.refuse(true);
    way.cut();
    await expect(other.claim("a", other.name)).rejects.toMatchObject(unknown);
    const settled = one.settle("a", done);
    way.refuse(false);
    await settled;
    expect(await other.claim("a", other.name)).toEqual(done);
  });

  test("knows at once that a node is gone which has closed its store", async () => {
    const [{ store: one }, { store: other }] = [await createNode(), await createNode()];
    await one.claim("a");
    const settled = one.settle("never claimed", done);
    await one.close();
    await settled;
    await expect(other.claim("a", other.name)).rejects.toMatchObject(unknown);
    await expect(one.claim("b")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await expect(one.settle("a", done)).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  test("has another name when it was flushed, and does not take for new what is sent again from before", async () => {
    const { store } = await createNode();
    const before = store.name;
    await store.claim("a");
    await store.settle("a", done);
    await server.client.flushall();
    await expect(store.claim("a", before)).rejects.toMatchObject(unknown);
    expect(store.name).not.toBe(before);
    expect(await store.claim("b", store.name)).toBeUndefined();
    expect(await store.claim("c")).toBeUndefined();
  });

  test("has another name when its server was restarted that may have lost something, unless it is said to lose nothing", async () => {
    for (const durable of [false, true]) {
      const lasting = await RedisServer.start("--appendonly", "yes", "--appendfsync", "always");
      afterTest(() => lasting.close());
      const store = redisIdempotencyStore(lasting.url, { durable, backoff: { baseMs: 5, maxMs: 20 } });
      afterTest(() => store.close());
      expect(await store.claim("a")).toBeUndefined();
      expect(await store.claim("runs")).toBeUndefined();
      await store.settle("a", done);
      const before = store.name;
      await lasting.kill();
      await lasting.start();
      expect(await store.claim("a", before)).toEqual(done);
      expect(store.name === before).toBe(durable);
      await store.settle("runs", done);
      expect(await store.claim("runs", before)).toEqual(done);
      if (durable) expect(await store.claim("new", before)).toBeUndefined();
      else await expect(store.claim("new", before)).rejects.toMatchObject(unknown);
    }
  });

  test("fails a claim while the server is away, and stores an outcome when it is back", async () => {
    const { store, way } = await createNode({ waitMs: 30 });
    const { store: other } = await createNode();
    await store.claim("a");
    way.refuse(true);
    way.cut();
    await expect(store.claim("b")).rejects.toMatchObject(away);
    const settled = store.settle("a", done);
    const waiting = other.claim("a", other.name);
    way.refuse(false);
    await settled;
    expect(await waiting).toEqual(done);
    expect(await other.claim("b")).toBeUndefined();
  });

  test("takes a claim back whose answer was lost, so that the mutation can be run elsewhere", async () => {
    const { store, way } = await createNode({ waitMs: 50 });
    const { store: other } = await createNode();
    server.pause();
    const lost = store.claim("a");
    await new Promise((resolve) => setTimeout(resolve, 60));
    way.refuse(true);
    way.cut();
    server.goOn();
    await expect(lost).rejects.toMatchObject(away);
    const elsewhere = other.claim("a", other.name);
    way.refuse(false);
    expect(await elsewhere).toBeUndefined();
  });

  test("keeps no more of outcomes that wait than it may", async () => {
    const { store, way } = await createNode({ maxWaitingLength: 20 });
    for (const key of ["a", "b"]) await store.claim(key);
    way.refuse(true);
    way.cut();
    const settled = ["a", "b"].map((key) => store.settle(key, { ok: true, value: key.repeat(8) }));
    way.refuse(false);
    await Promise.all(settled);
    expect(await store.claim("a")).toEqual({ ok: true, value: "aaaaaaaa" });
    await expect(store.claim("b")).rejects.toMatchObject(unknown);
  });
});
