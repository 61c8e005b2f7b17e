import type { IdempotencyStore } from "@tautline/server";
import { type IdempotencyHarness, idempotencyConformance } from "@tautline/server/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { rejection } from "../../../tests/fixture/client.ts";
import { hasNats, NatsServer } from "../../../tests/fixture/nats-server.ts";
import { startTcpProxy, type TcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { type NatsIdempotencyStore, natsIdempotencyStore } from "./nats-idempotency.ts";
import type { NatsIdempotencyOptions } from "./options.ts";

const done = { ok: true, value: { n: 1 } } as const;
const unknown = { code: "OUTCOME_UNKNOWN" };
const away = { code: "SERVICE_UNAVAILABLE" };

describe.skipIf(!hasNats)("a NATS idempotency store (skipped without nats-server)", () => {
  cleanUpAfterEach();
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.close());
  beforeEach(() => server.flush());

  /** A node with a way of its own to the server. */
  async function createNode(
    options: NatsIdempotencyOptions = {},
  ): Promise<{ store: NatsIdempotencyStore; way: TcpProxy }> {
    const way = await startTcpProxy(server.url);
    const store = natsIdempotencyStore({
      servers: `127.0.0.1:${way.port}`,
      pollMs: 5,
      heartbeatMs: 100,
      answerMs: 500,
      backoff: { baseMs: 5, maxMs: 20 },
      ...options,
    });
    afterTest(() => store.close());
    await vi.waitFor(() => expect(store.name).toBeDefined());
    return { store, way };
  }

  /** Cut off, and aware of it. */
  async function cut({ store, way }: { store: NatsIdempotencyStore; way: TcpProxy | undefined }): Promise<void> {
    way?.refuse(true);
    way?.cut();
    await vi.waitFor(() => expect(store.name).toBeUndefined());
  }

  for (const { name, run } of idempotencyConformance) {
    test(name, async () => {
      const ways = new Map<IdempotencyStore, TcpProxy>();
      const wayOf = (store: IdempotencyStore) => ({ store: store as NatsIdempotencyStore, way: ways.get(store) });
      const harness: IdempotencyHarness = {
        createStore: async (waitMs) => {
          const { store, way } = await createNode({ leaseMs: 300, ...(waitMs === undefined ? {} : { waitMs }) });
          ways.set(store, way);
          return store;
        },
        cut: (store) => cut(wayOf(store)),
        restore: async (store) => ways.get(store)?.refuse(false),
        close: (store) => (store as NatsIdempotencyStore).close(),
        flush: () => server.flush(),
      };
      await expect(run(harness)).resolves.toBeUndefined();
    });
  }

  test("is ready when it has its name, and when the server does not come for too long", async () => {
    const way = await startTcpProxy(server.url, (index) =>
      index === 0 ? { faults: [{ direction: "down", atByte: 0, type: "stall", turns: 500 }] } : {},
    );
    const servers = `127.0.0.1:${way.port}`;
    const store = natsIdempotencyStore({ servers });
    afterTest(() => store.close());
    await store.ready();
    expect(store.name).toBeDefined();
    way.refuse(true);
    const hasty = natsIdempotencyStore({ servers, waitMs: 20 });
    afterTest(() => hasty.close());
    await hasty.ready();
    expect(hasty.name).toBeUndefined();
  });

  test("knows of an outcome that is too long to be kept, or for NATS, only that there was one", async () => {
    const { store: strict } = await createNode({ maxOutcomeBytes: 20 });
    const { store: lenient } = await createNode({ maxOutcomeBytes: Number.POSITIVE_INFINITY });
    for (const [store, key, value] of [
      [strict, "fits", "é".repeat(4)],
      [strict, "does not", "é".repeat(8)],
      [lenient, "not at all", "x".repeat(2_000_000)],
    ] as const) {
      await store.claim(key);
      await store.settle(key, { ok: true, value });
    }
    expect(await strict.claim("fits")).toEqual({ ok: true, value: "éééé" });
    await expect(lenient.claim("does not")).rejects.toMatchObject(unknown);
    await expect(strict.claim("not at all")).rejects.toMatchObject(unknown);
  });

  test("keeps an outcome for its time, and what runs for as long as it runs", async () => {
    const options = { keepMs: 1_500, leaseMs: 900 };
    const [{ store: one }, { store: other }] = [await createNode(options), await createNode(options)];
    await one.claim("long");
    await one.claim("done");
    await one.settle("done", done);
    expect(await other.claim("done")).toEqual(done);
    const waiting = other.claim("long", other.name);
    await vi.waitFor(async () => expect(await other.claim("done")).toBeUndefined(), { timeout: 20_000, interval: 100 });
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    await one.settle("long", done);
    expect(await waiting).toEqual(done);
  });

  test("has the same name when its server was killed and has kept its store", async () => {
    const own = await NatsServer.start();
    afterTest(() => own.close());
    const store = natsIdempotencyStore({
      servers: `127.0.0.1:${own.port}`,
      pollMs: 5,
      backoff: { baseMs: 5, maxMs: 20 },
    });
    afterTest(() => store.close());
    for (const key of ["a", "runs"]) expect(await store.claim(key)).toBeUndefined();
    await store.settle("a", done);
    const before = store.name;
    await own.kill();
    await own.start();
    expect(await store.claim("a", before)).toEqual(done);
    expect(store.name).toBe(before);
    await store.settle("runs", done);
    expect(await store.claim("runs", before)).toEqual(done);
    expect(await store.claim("new", before)).toBeUndefined();
  });

  test("does not know, while NATS is away, what came of a mutation that is sent again", async () => {
    const node = await createNode({ waitMs: 30 });
    const before = node.store.name;
    await cut(node);
    await expect(node.store.claim("a", before)).rejects.toMatchObject(unknown);
    await expect(node.store.claim("a")).rejects.toMatchObject(away);
  });

  test("takes a claim back whose answer was lost, so that the mutation can be run elsewhere", async () => {
    const node = await createNode({ waitMs: 50 });
    const { store: other } = await createNode();
    await node.store.claim("warm");
    await server.pause();
    const lost = rejection(node.store.claim("a"));
    await new Promise((resolve) => setTimeout(resolve, 60));
    await cut(node);
    server.goOn();
    expect(await lost).toMatchObject(away);
    const elsewhere = other.claim("a", other.name);
    node.way.refuse(false);
    expect(await elsewhere).toBeUndefined();
  });

  test("leaves no consumer behind", async () => {
    const { store } = await createNode();
    for (let count = 0; count < 50; count++) {
      await store.claim(`${count}`);
      const again = store.claim(`${count}`, store.name);
      await store.settle(`${count}`, done);
      expect(await again).toEqual(done);
    }
    await vi.waitFor(async () => expect(await server.consumers()).toBe(0));
  });
});
