import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Stream } from "./incoming-stream.ts";
import { SchemaError, validate } from "./schema.ts";
import { stream } from "./stream.ts";

function checked(schema: z.ZodType, source: AsyncIterable<unknown>): Stream<unknown> {
  return validate(stream(schema), source) as Stream<unknown>;
}

/** Gives the same item again and again. */
function repeat(value: unknown, end?: () => unknown): AsyncIterable<never> {
  const next = (): Promise<IteratorResult<never>> => Promise.resolve({ done: false, value: value as never });
  return { [Symbol.asyncIterator]: () => ({ next, return: end as never }) };
}

describe("an item of a stream", () => {
  it.each([1, "x", {}, null])("may have a `then` that is no promise's: %j", async (then) => {
    const value: unknown = JSON.parse(JSON.stringify({ if: 0, thens: then }).replace("thens", "then"));
    expect(await checked(z.unknown(), repeat(value)).next()).toEqual({ done: false, value });
  });

  it.each<[how: string, end: () => unknown]>([
    ["ends as it should", () => Promise.resolve({ done: true })],
    ["gives nothing when it is ended", () => undefined],
    [
      "throws when it is ended",
      () => {
        throw new Error("in return");
      },
    ],
    ["rejects when it is ended", () => Promise.reject(new Error("in return"))],
  ])("that does not fit says so, also of a source that %s", async (_how, end) => {
    let ended = 0;
    const source = repeat("two", () => {
      ended++;
      return end();
    });
    await expect(checked(z.number(), source).next()).rejects.toBeInstanceOf(SchemaError);
    expect(ended).toBe(1);
  });
});
