import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { rejection } from "../../../tests/fixture/client.ts";
import { startTcpProxy, type TcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { hasNats, NatsServer } from "../testing/nats-server.ts";
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
  async function cut({ store, way }: { store: NatsIdempotencyStore; way: TcpProxy }): Promise<void> {
    way.refuse(true);
    way.cut();
    await vi.waitFor(() => expect(store.name).toBeUndefined());
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

  test("lets one of many who claim a key at once run it", async () => {
    const nodes = [await createNode(), await createNode(), await createNode()];
    const claims = nodes.flatMap(({ store }) => Array.from({ length: 10 }, () => [store, store.claim("a")] as const));
    const [first] = await Promise.race(claims.map(async ([store, claim]) => [store, await claim] as const));
    await first.settle("a", done);
    const outcomes = await Promise.all(claims.map(([, claim]) => claim));
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome !== undefined)).toEqual(Array.from({ length: 29 }, () => done));
  });

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

  test("does not know what came of a mutation whose node is dead", async () => {
    const [one, { store: other }] = [await createNode({ leaseMs: 150 }), await createNode({ leaseMs: 150 })];
    await one.store.claim("a");
    await one.store.claim("b");
    const waiting = rejection(other.claim("a", other.name));
    await cut(one);
    expect(await waiting).toMatchObject(unknown);
    await expect(other.claim("b", other.name)).rejects.toMatchObject(unknown);
  });

  test("knows it again when the node was only away", async () => {
    const options = { leaseMs: 100 };
    const [one, { store: other }] = [await createNode(options), await createNode(options)];
    await one.store.claim("a");
    await cut(one);
    await expect(other.claim("a", other.name)).rejects.toMatchObject(unknown);
    const settled = one.store.settle("a", done);
    one.way.refuse(false);
    await settled;
    expect(await other.claim("a", other.name)).toEqual(done);
  });

  test("knows soon that a node is gone which has closed its store", async () => {
    const options = { leaseMs: 300 };
    const [{ store: one }, { store: other }] = [await createNode(options), await createNode(options)];
    await one.claim("a");
    await one.close();
    await expect(other.claim("a", other.name)).rejects.toMatchObject(unknown);
    await expect(one.claim("b")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await expect(one.settle("a", done)).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  test("has another name when it was flushed, and does not take for new what is sent again from before", async () => {
    const { store } = await createNode();
    const before = store.name;
    await store.claim("a");
    await store.settle("a", done);
    await server.flush();
    await expect(store.claim("a", before)).rejects.toMatchObject(unknown);
    await vi.waitFor(() => expect(store.name).toBeDefined());
    expect(store.name).not.toBe(before);
    expect(await store.claim("b", store.name)).toBeUndefined();
    expect(await store.claim("c")).toBeUndefined();
    await expect(store.claim("d", before)).rejects.toMatchObject(unknown);
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

  test("fails a claim while NATS is away, and stores an outcome when it is back", async () => {
    const node = await createNode({ waitMs: 30 });
    const { store: other } = await createNode();
    await node.store.claim("a");
    const before = node.store.name;
    await cut(node);
    await expect(node.store.claim("b")).rejects.toMatchObject(away);
    await expect(node.store.claim("c", before)).rejects.toMatchObject(unknown);
    const settled = node.store.settle("a", done);
    const waiting = other.claim("a", other.name);
    node.way.refuse(false);
    await settled;
    expect(await waiting).toEqual(done);
    expect(await other.claim("b")).toBeUndefined();
  });

  test("takes a claim back whose answer was lost, so that the mutation can be run elsewhere", async () => {
    const node = await createNode({ waitMs: 50 });
    const { store: other } = await createNode();
    await node.store.claim("warm");
    server.pause();
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
