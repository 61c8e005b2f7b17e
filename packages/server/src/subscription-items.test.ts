import { SchemaError } from "@tautline/core";
import { isTrackedEnvelope, TRPCError, tracked } from "@trpc/server";
import { isObservable, type Observable, observable } from "@trpc/server/observable";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkItems, createItemMiddleware, type ItemCheck, itemCheckOf } from "./subscription-items.ts";

const turnOfTheQueue = Promise.resolve();

const plain: ItemCheck = { schema: z.object({ n: z.coerce.number() }), tracked: false };
const slow: ItemCheck = {
  // The first takes more turns than the second: order is not a matter of luck.
  schema: z.number().transform(async (n) => {
    for (let turn = 0; turn < 10 - n; turn += 1) await turnOfTheQueue;
    return n * 10;
  }),
  tracked: false,
};

function iterate(source: unknown, check: ItemCheck): AsyncIterator<unknown> {
  const checked = checkItems(source, check) as AsyncIterable<unknown>;
  return checked[Symbol.asyncIterator]();
}

/** A source that notes what it is told. */
function createSource(items: readonly unknown[]) {
  const told: unknown[] = [];
  async function* generate(): AsyncGenerator<unknown, string, unknown> {
    try {
      for (const item of items) told.push(await (yield item));
      return "end";
    } catch (error) {
      told.push(error);
      throw error;
    } finally {
      told.push("ended");
    }
  }
  return { source: generate(), told };
}

describe("an async iterable's items", () => {
  test("are what the schema makes of them, and the end is the source's", async () => {
    const { source } = createSource([{ n: "1", dropped: true }, { n: 2 }]);
    const iterator = iterate(source, plain);
    expect(await iterator.next()).toEqual({ done: false, value: { n: 1 } });
    expect(await iterator.next()).toEqual({ done: false, value: { n: 2 } });
    expect(await iterator.next()).toEqual({ done: true, value: "end" });
  });

  test("keep the id with which they are tracked", async () => {
    const iterator = iterate(createSource([tracked("7", { n: "1" })]).source, plain);
    const value: unknown = (await iterator.next()).value;
    expect(isTrackedEnvelope(value)).toBe(true);
    expect((value as unknown[]).slice(0, 2)).toEqual(["7", { n: 1 }]);
  });

  test("may be checked asynchronously", async () => {
    const iterator = iterate(createSource([1, tracked("a", 2), "x"]).source, slow);
    expect(await iterator.next()).toEqual({ done: false, value: 10 });
    expect((await iterator.next()).value).toEqual(tracked("a", 20));
    await expect(iterator.next()).rejects.toMatchObject({ message: "Output validation failed" });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test("end with the first that does not fit, and the source is returned", async () => {
    const { source, told } = createSource([{ n: 1 }, { n: "x" }, { n: 3 }]);
    const iterator = iterate(source, plain);
    await iterator.next();
    const error: unknown = await iterator.next().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TRPCError);
    expect(error).toMatchObject({ code: "INTERNAL_SERVER_ERROR", message: "Output validation failed" });
    expect((error as TRPCError).cause).toBeInstanceOf(SchemaError);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(told).toEqual([undefined, "ended"]);
  });

  test("end with the item's error, also when the source fails at being returned", async () => {
    const source: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: "x" }),
        return: () => {
          throw new Error("cleaning up failed");
        },
      }),
    };
    await expect(iterate(source, plain).next()).rejects.toMatchObject({ message: "Output validation failed" });
  });

  test("have to be tracked where the contract says so", async () => {
    const iterator = iterate(createSource([tracked("1", { n: 1 }), { n: 2 }]).source, { ...plain, tracked: true });
    await iterator.next();
    await expect(iterator.next()).rejects.toMatchObject({ cause: { message: "The item is not tracked" } });
  });

  test("are not asked for before they are wanted, and what is sent arrives", async () => {
    const { source, told } = createSource([{ n: 1 }, { n: 2 }]);
    const iterator = iterate(source, plain);
    await iterator.next();
    expect(told).toEqual([]);
    await iterator.next("sent");
    expect(told).toEqual(["sent"]);
  });

  test("cost one promise each above the source's own where the schema is synchronous", async () => {
    const result = { done: false, value: { n: 1 } };
    const pending = Promise.resolve(result);
    const source = { [Symbol.asyncIterator]: () => ({ next: () => pending }) };
    let settled = false;
    void iterate(source, plain)
      .next()
      .then(() => (settled = true));
    // One turn for the check, one for our own `then`.
    await turnOfTheQueue;
    expect(settled).toBe(false);
    await turnOfTheQueue;
    expect(settled).toBe(true);
  });

  test("pass the source's errors on as they are", async () => {
    const failure = new Error("the source failed");
    const source = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }),
    };
    await expect(iterate(source, plain).next()).rejects.toBe(failure);
  });
});

describe("cancelling", () => {
  test("returns the source", async () => {
    const { source, told } = createSource([{ n: 1 }, { n: 2 }]);
    const iterator = iterate(source, plain);
    await iterator.next();
    expect(await iterator.return?.("left")).toEqual({ done: true, value: "left" });
    expect(told).toEqual(["ended"]);
  });

  test("throws into the source", async () => {
    const { source, told } = createSource([{ n: 1 }, { n: 2 }]);
    const iterator = iterate(source, plain);
    await iterator.next();
    const reason = new Error("cancelled");
    await expect(iterator.throw?.(reason)).rejects.toBe(reason);
    expect(told).toEqual([reason, "ended"]);
  });

  test("copes with a source that knows neither", async () => {
    const source = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: { n: 1 } }) }) };
    expect(await iterate(source, plain).return?.("left")).toEqual({ done: true, value: "left" });
    const reason = new Error("cancelled");
    await expect(iterate(source, plain).throw?.(reason)).rejects.toBe(reason);
  });
});

describe("an observable's items", () => {
  function watch(source: Observable<unknown, unknown>, check: ItemCheck) {
    const seen: unknown[] = [];
    const checked = checkItems(source, check);
    if (!isObservable(checked)) throw new Error("no observable came out");
    const done = new Promise<void>((resolve) => {
      checked.subscribe({
        next: (value) => seen.push(value),
        error: (error) => {
          seen.push(error instanceof TRPCError ? error.message : error);
          resolve();
        },
        complete: () => {
          seen.push("complete");
          resolve();
        },
      });
    });
    return { seen, done };
  }

  test("are checked at once where the schema is synchronous", () => {
    const source = observable<unknown>((observer) => {
      observer.next({ n: "1" });
      observer.next(tracked("1", { n: "2" }));
      observer.complete();
    });
    expect(watch(source, plain).seen).toEqual([{ n: 1 }, tracked("1", { n: 2 }), "complete"]);
  });

  test("end with the first that does not fit, and the source is left", () => {
    let left = false;
    const source = observable<unknown>((observer) => {
      observer.next({ n: 1 });
      observer.next({ n: "x" });
      observer.next({ n: 3 });
      return () => {
        left = true;
      };
    });
    expect(watch(source, plain).seen).toEqual([{ n: 1 }, "Output validation failed"]);
    expect(left).toBe(true);
  });

  test("keep their order, and their end, where the schema is asynchronous", async () => {
    const source = observable<unknown>((observer) => {
      for (const n of [1, 5, 9]) observer.next(n);
      observer.complete();
    });
    const { seen, done } = watch(source, slow);
    expect(seen).toEqual([]);
    await done;
    expect(seen).toEqual([10, 50, 90, "complete"]);
  });

  test("end with the first that does not fit where the schema is asynchronous", async () => {
    const source = observable<unknown>((observer) => {
      for (const n of [1, "x", 9]) observer.next(n);
      observer.complete();
    });
    const { seen, done } = watch(source, slow);
    await done;
    expect(seen).toEqual([10, "Output validation failed"]);
  });

  test("pass the source's errors on as they are", () => {
    const failure = new Error("the source failed");
    expect(
      watch(
        observable((observer) => observer.error(failure)),
        plain,
      ).seen,
    ).toEqual([failure]);
  });

  test("stop when it is unsubscribed from", () => {
    let left = false;
    const source = observable<unknown>(() => () => {
      left = true;
    });
    (checkItems(source, plain) as Observable<unknown, unknown>).subscribe({}).unsubscribe();
    expect(left).toBe(true);
  });
});

describe("createItemMiddleware", () => {
  test("tells what it checks; other middlewares tell nothing", () => {
    expect(itemCheckOf(createItemMiddleware(plain))).toBe(plain);
    expect(itemCheckOf(() => undefined)).toBe(undefined);
  });
});

describe("anything else that a handler returns", () => {
  test("is passed through", () => {
    for (const value of [undefined, null, 1, { n: 1 }]) expect(checkItems(value, plain)).toBe(value);
  });
});
