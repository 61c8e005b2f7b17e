import { describe, expect, test } from "vitest";
import { AcceptorSetup } from "../testing/acceptor-setup.ts";
import { memoryIdempotencyStore } from "./idempotency.ts";
import { idempotencyConformance } from "./testing/index.ts";

const done = { ok: true, value: 1 } as const;

describe("memoryIdempotencyStore", () => {
  for (const { name, run } of idempotencyConformance.filter(({ needs }) => needs === undefined)) {
    test(name, async () => {
      const store = memoryIdempotencyStore();
      // All nodes of one process.
      await expect(run({ createStore: () => Promise.resolve(store) })).resolves.toBeUndefined();
    });
  }

  test("forgets an outcome when its time is over, and never what still runs", async () => {
    let now = 0;
    const store = memoryIdempotencyStore({ keepMs: 10, now: () => now });
    await store.claim("running");
    await store.claim("done");
    await store.settle("done", done);
    now = 9;
    expect(await store.claim("done")).toBe(done);
    now = 10;
    expect(await store.claim("done")).toBeUndefined();
    const waiting = store.claim("running");
    await store.settle("running", done);
    expect(await waiting).toBe(done);
  });

  test("forgets the oldest outcomes first when there are too many", async () => {
    const store = memoryIdempotencyStore({ maxEntries: 2 });
    for (const key of ["a", "b"]) {
      await store.claim(key);
      await store.settle(key, done);
    }
    expect(await store.claim("c")).toBeUndefined();
    expect(await store.claim("b")).toBe(done);
    expect(await store.claim("a")).toBeUndefined();
  });

  test("keeps outcomes for less than it was told to once there are too many, and says so", async () => {
    let now = 0;
    const store = memoryIdempotencyStore({ maxEntries: 2, keepMs: 1_000, now: () => now });
    for (const key of ["a", "b", "c"]) {
      now += 100;
      await store.claim(key);
      await store.settle(key, done);
    }
    expect(store.keepMs).toBe(200);
    now = 350;
    expect(store.keepMs).toBe(250);
    now = 1_150;
    expect(store.keepMs).toBe(1_000);
  });

  test("says how long it keeps outcomes once there are too many, also where their time is never over", async () => {
    let now = 0;
    const store = memoryIdempotencyStore({ maxEntries: 1, keepMs: Number.POSITIVE_INFINITY, now: () => now });
    await store.claim("a");
    await store.settle("a", done);
    expect(store.keepMs).toBe(Number.POSITIVE_INFINITY);
    now = 50;
    await store.claim("b");
    expect(store.keepMs).toBe(50);
  });

  test("has a name of its own in each process, so that no other is taken for it", () => {
    expect(memoryIdempotencyStore().name).not.toBe(memoryIdempotencyStore().name);
  });

  test("keeps the first outcome, whatever is settled later", async () => {
    const store = memoryIdempotencyStore();
    await store.claim("a");
    await store.settle("a", done);
    await store.settle("a", { ok: false, shape: {} });
    await store.settle("never claimed", done);
    expect(await store.claim("a")).toBe(done);
    expect(await store.claim("never claimed")).toBeUndefined();
  });
});

test("mutations are kept under short keys, however long the name is that a client gives itself", async () => {
  const keys: string[] = [];
  const store = memoryIdempotencyStore();
  const setup = new AcceptorSetup({
    idempotency: {
      name: "store",
      claim: (key) => store.claim(String(keys.push(key))),
      settle: () => Promise.resolve(),
    },
  });
  for (const client of ["x".repeat(500_000), `${"x".repeat(500_000)}y`])
    await (await setup.open({ client })).send([11, 1, "wait", {}, "a"]);
  expect(keys.map(({ length }) => length < 100)).toEqual([true, true]);
  expect(keys[0]).not.toBe(keys[1]);
});
