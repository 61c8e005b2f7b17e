import { bytes, ContractError, contract, fields, mutation, query, rich, stream, subscription } from "@tautline/core";
import superjson from "superjson";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkTransformer } from "./transformer-check.ts";

interface Half {
  serialize(value: unknown): unknown;
  deserialize(value: unknown): unknown;
}

const none: Half = { serialize: (value: unknown) => value, deserialize: (value: unknown) => value };
const both = (half: Half) => ({ input: half, output: half });

const everything = contract({
  all: query({
    input: z.tuple([
      z.date(),
      z.bigint(),
      z.map(z.string(), z.number()),
      z.set(z.number()),
      z.nan(),
      z.instanceof(Uint8Array),
    ]),
    output: z.array(z.string().optional()),
  }),
});

function problemOf(run: () => void): { path: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof ContractError) return { path: error.path, message: error.message };
    throw error;
  }
  throw new Error("the transformer was not refused");
}

describe("checkTransformer", () => {
  test.each([
    ["rich", rich],
    ["superjson", superjson],
  ])("takes %s for everything", (_name, transformer) => {
    expect(() => checkTransformer(everything, both(transformer))).not.toThrow();
  });

  test("takes none where JSON keeps it all", () => {
    const plain = contract({ a: { b: query({ input: z.object({ a: z.string() }), output: z.json() }) } });
    expect(() => checkTransformer(plain, both(none))).not.toThrow();
  });

  test.each([
    ["Date", z.date()],
    ["bigint", z.bigint()],
    ["Map", z.map(z.string(), z.string())],
    ["Set", z.set(z.string())],
    ["NaN", z.nan()],
    ["bytes", z.instanceof(Uint8Array)],
    ["bytes", bytes()],
    ["undefined in an array", z.array(z.string().optional())],
    ["bytes", bytes()],
    ["bytes", fields({ name: z.string(), inner: fields({ thumbnail: bytes() }) })],
    ["a stream", stream(z.string())],
    ["a stream", fields({ name: z.string(), lines: stream(z.string()) })],
  ])("refuses JSON alone for %s, naming the procedure", (kind, schema) => {
    const api = contract({ plain: query(), deep: { items: subscription({ output: schema }) } });
    expect(problemOf(() => checkTransformer(api, both(none)))).toEqual({
      path: "deep.items",
      message: `"deep.items" has ${kind} in its output, which the transformer of t does not keep: create t with one that does, such as rich`,
    });
  });

  test("refuses a transformer that keeps the items of a stream, but not the stream", () => {
    const api = contract({ times: query({ output: stream(z.date()) }) });
    expect(() => checkTransformer(api, both(rich))).not.toThrow();
    expect(problemOf(() => checkTransformer(api, both(superjson))).message).toContain("has a stream in its output");
    const perItem: Half = { ...rich, serialize: (value) => (value instanceof Date ? rich.serialize(value) : {}) };
    expect(problemOf(() => checkTransformer(api, both(perItem))).message).toContain("has a stream in its output");
  });

  test("looks at a stream's items", () => {
    const api = contract({ times: query({ output: stream(z.date()) }) });
    const streamsAlone: Half = {
      ...rich,
      serialize: (value) => (value instanceof Date ? value : rich.serialize(value)),
    };
    expect(problemOf(() => checkTransformer(api, both(streamsAlone))).message).toContain("has Date in its output");
  });

  test("tries both directions on their own", () => {
    const sent = contract({ send: mutation({ input: z.date() }) });
    const received = contract({ read: query({ output: z.date() }) });
    const keepsInput = { input: rich, output: none };
    expect(() => checkTransformer(sent, keepsInput)).not.toThrow();
    expect(problemOf(() => checkTransformer(received, keepsInput)).message).toContain("in its output");
    const keepsOutput = { input: none, output: rich };
    expect(() => checkTransformer(received, keepsOutput)).not.toThrow();
    expect(problemOf(() => checkTransformer(sent, keepsOutput)).message).toContain("in its input");
  });

  test("refuses a transformer that throws at a kind, or makes something else of it", () => {
    const api = contract({ at: query({ output: z.date() }) });
    const throwing = { ...none, serialize: () => Promise.reject.call(undefined) };
    const rounding = { serialize: () => 0, deserialize: () => new Date(0) };
    expect(problemOf(() => checkTransformer(api, both(throwing))).path).toBe("at");
    expect(problemOf(() => checkTransformer(api, both(rounding))).path).toBe("at");
  });
});
