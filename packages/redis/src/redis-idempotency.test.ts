import type { IdempotencyStore } from "@tautline/server";
import { type IdempotencyHarness, idempotencyConformance } from "@tautline/server/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { eventually } from "../../../tests/fixture/eventually.ts";
import { hasRedis, RedisServer } from "../../../tests/fixture/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
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
  beforeEach(() => server.flush());

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

  for (const { name, run } of idempotencyConformance) {
    test(name, async () => {
      const ways = new Map<IdempotencyStore, TcpProxy>();
      const harness: IdempotencyHarness = {
        createStore: async (waitMs) => {
          const { store, way } = await createNode({ leaseMs: 300, ...(waitMs === undefined ? {} : { waitMs }) });
          ways.set(store, way);
          return store;
        },
        cut: async (store) => {
          ways.get(store)?.refuse(true);
          ways.get(store)?.cut();
        },
        restore: async (store) => ways.get(store)?.refuse(false),
        close: (store) => (store as RedisIdempotencyStore).close(),
        flush: () => server.flush(),
      };
      await expect(run(harness)).resolves.toBeUndefined();
    });
  }

  test.each([Number.POSITIVE_INFINITY, 60_000.5])(
    "keeps outcomes for as long as it is told to: %d ms",
    async (keepMs) => {
      const { store } = await createNode({ keepMs });
      expect(await store.claim("a")).toBeUndefined();
      await store.settle("a", done);
      expect(await store.claim("a")).toEqual(done);
    },
  );

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

  test("takes a claim back whose answer was lost, so that the mutation can be run elsewhere", async () => {
    const { store, way } = await createNode({ waitMs: 50 });
    const { store: other } = await createNode();
    await server.pause();
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
