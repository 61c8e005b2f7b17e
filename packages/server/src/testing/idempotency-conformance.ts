import assert from "node:assert/strict";
import type { CallOutcome } from "@tautline/core/internals";
import type { IdempotencyStore } from "../idempotency.ts";

/** A backend to test stores of mutations with. What is left out is not tested. */
export interface IdempotencyHarness {
  /**
   * Another node's store, for the same backend, with a name already. One whose node is gone is known to be within a second. The harness
   * closes them when the test is over.
   *
   * @param waitMs how long a claim waits for a backend that is away. Default: as long as it needs to.
   */
  createStore(waitMs?: number): Promise<IdempotencyStore>;
  /** Cuts a store off the backend, which goes on for the others. Resolves when the store knows. */
  cut?(store: IdempotencyStore): Promise<void>;
  /** Lets it through again. */
  restore?(store: IdempotencyStore): Promise<void>;
  /** Closes a store, as a node does that ends. */
  close?(store: IdempotencyStore): Promise<void>;
  /** Empties the backend. */
  flush?(): Promise<void>;
}

/** One test of the suite. */
export interface IdempotencyTest {
  /** A sentence about stores. */
  readonly name: string;
  /** What of the harness it cannot do without. */
  readonly needs?: readonly (keyof IdempotencyHarness)[];
  /** Rejects where the store does not do what the test's name says. */
  readonly run: (harness: IdempotencyHarness) => Promise<void>;
}

const done: CallOutcome = { ok: true, value: { n: 1 } };
const unknown = { code: "OUTCOME_UNKNOWN" };
const away = { code: "SERVICE_UNAVAILABLE" };
const closed = { code: "CONNECTION_CLOSED" };

const outcomes: readonly CallOutcome[] = [
  { ok: true, value: undefined },
  { ok: true, value: null },
  { ok: true, value: 'é日本🎉"\u0000' },
  { ok: true, value: [1, { a: [] }] },
  { ok: false, shape: { message: "no", data: { code: "CONFLICT" } } },
];

/**
 * What every `IdempotencyStore` has to do, as tests for any runner: each takes a harness of its own, whose backend is empty, and
 * rejects where the store does something else. One that `needs` what a harness has not is to be skipped.
 */
export const idempotencyConformance: readonly IdempotencyTest[] = [
  {
    name: "gives the first who claims a key nothing, and everybody after what it came to, on every node",
    async run(harness) {
      const [one, other] = [await harness.createStore(), await harness.createStore()];
      assert.ok(one.name);
      assert.equal(other.name, one.name);
      assert.equal(await one.claim("a"), undefined);
      const waiting = [one.claim("a", one.name), other.claim("a", other.name)];
      assert.equal(await other.claim("b"), undefined);
      await one.settle("a", done);
      assert.deepEqual(await Promise.all(waiting), [done, done]);
      await one.settle("a", { ok: false, shape: "late" });
      await other.settle("a", { ok: false, shape: "another's" });
      assert.deepEqual(await other.claim("a"), done);
    },
  },
  {
    name: "claims nothing that is sent again under another name, and gives what is known of it all the same",
    async run(harness) {
      const store = await harness.createStore();
      await assert.rejects(store.claim("a", "another"), unknown);
      assert.equal(await store.claim("a", store.name), undefined);
      const waiting = store.claim("a", "another");
      await store.settle("a", done);
      assert.deepEqual(await waiting, done);
      assert.deepEqual(await store.claim("a", "another"), done);
    },
  },
  {
    name: "lets one of many who claim a key at once run it",
    async run(harness) {
      const stores = [await harness.createStore(), await harness.createStore(), await harness.createStore()];
      const claims = stores.flatMap((store) => Array.from({ length: 10 }, () => ({ store, claim: store.claim("a") })));
      const first = await Promise.race(claims.map(async ({ store, claim }) => ({ store, outcome: await claim })));
      assert.equal(first.outcome, undefined);
      await first.store.settle("a", done);
      const came = await Promise.all(claims.map(({ claim }) => claim));
      assert.equal(came.filter((outcome) => outcome === undefined).length, 1);
      for (const outcome of came) if (outcome !== undefined) assert.deepEqual(outcome, done);
    },
  },
  {
    name: "gives outcomes back as they were",
    async run(harness) {
      const store = await harness.createStore();
      for (const [index, outcome] of outcomes.entries()) {
        assert.equal(await store.claim(`${index}`), undefined);
        await store.settle(`${index}`, outcome);
        assert.deepStrictEqual(await store.claim(`${index}`), outcome);
      }
    },
  },
  {
    name: "does not know what came of a mutation whose node is away, until that is back",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = [await harness.createStore(), await harness.createStore()];
      for (const key of ["a", "b"]) assert.equal(await one.claim(key), undefined);
      const waiting = assert.rejects(other.claim("a", other.name), unknown);
      await harness.cut?.(one);
      await waiting;
      await assert.rejects(other.claim("b", other.name), unknown);
      const settled = one.settle("a", done);
      await harness.restore?.(one);
      await settled;
      assert.deepEqual(await other.claim("a", other.name), done);
    },
  },
  {
    name: "fails a claim while the backend is away, and stores an outcome when it is back",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = [await harness.createStore(30), await harness.createStore()];
      assert.equal(await one.claim("a"), undefined);
      await harness.cut?.(one);
      await assert.rejects(one.claim("b"), away);
      const settled = one.settle("a", done);
      const waiting = other.claim("a");
      await harness.restore?.(one);
      await settled;
      assert.deepEqual(await waiting, done);
      assert.equal(await other.claim("b"), undefined);
    },
  },
  {
    name: "knows soon that a node is gone which has closed its store, and takes nothing once it is closed",
    needs: ["close"],
    async run(harness) {
      const [one, other] = [await harness.createStore(), await harness.createStore()];
      assert.equal(await one.claim("a"), undefined);
      const settled = one.settle("never claimed", done);
      await harness.close?.(one);
      await settled;
      await assert.rejects(other.claim("a", other.name), unknown);
      await assert.rejects(one.claim("b"), closed);
      await assert.rejects(one.settle("a", done), closed);
    },
  },
  {
    name: "has another name when it was flushed, and does not take for new what is sent again from before",
    needs: ["flush"],
    async run(harness) {
      const store = await harness.createStore();
      const before = store.name;
      assert.equal(await store.claim("a"), undefined);
      await store.settle("a", done);
      await harness.flush?.();
      await assert.rejects(store.claim("a", before), unknown);
      assert.equal(await store.claim("b"), undefined);
      assert.notEqual(store.name, before);
      await assert.rejects(store.claim("c", before), unknown);
      assert.equal(await store.claim("d", store.name), undefined);
    },
  },
];
