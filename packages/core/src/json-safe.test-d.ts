import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { contract, mutation, query, subscription } from "./contract.ts";
import type { IsJsonSafe, JsonUnsafePaths } from "./json-safe.ts";

describe("JsonUnsafePaths", () => {
  test("names the procedures whose values JSON does not keep", () => {
    const api = contract({
      dates: query({ input: z.string(), output: z.object({ at: z.date() }) }),
      deep: { input: mutation({ input: z.object({ at: z.date().optional() }) }) },
      bigint: query({ output: z.bigint() }),
      map: query({ output: z.object({ map: z.map(z.string(), z.string()) }) }),
      sets: subscription({ output: z.array(z.set(z.string())) }),
      holes: query({ output: z.array(z.string().optional()) }),
      url: query({ output: z.instanceof(URL) }),
      bytes: query({ output: z.instanceof(Uint8Array) }),
      some: query({ output: z.union([z.string(), z.array(z.tuple([z.date()]))]) }),
      fine: query({ input: z.string(), output: z.string() }),
    });
    type Unsafe = Exclude<keyof typeof api, "deep" | "fine"> | "deep.input";
    expectTypeOf<JsonUnsafePaths<typeof api>>().toEqualTypeOf<Unsafe>();
  });

  test("looks at what crosses the wire: inputs before they are parsed, outputs after", () => {
    const api = contract({
      parsedOnTheServer: mutation({
        input: z.object({ at: z.coerce.date(), on: z.string().transform((s) => new Date(s)) }),
      }),
      madeOnTheServer: query({ output: z.string().transform((text) => new Date(text)) }),
      keptOnTheServer: query({ output: z.date().transform((date) => date.toISOString()) }),
    });
    expectTypeOf<JsonUnsafePaths<typeof api>>().toEqualTypeOf<"madeOnTheServer">();
  });

  test("names none where JSON keeps it all", () => {
    const json = z.json();
    const api = contract({
      json: query({ input: json, output: json }),
      unknown: query({ input: z.unknown(), output: z.any() }),
      optional: query({ input: z.object({ a: z.string().optional() }).optional(), output: z.string().optional() }),
      union: query({ output: z.discriminatedUnion("k", [z.object({ k: z.literal(1) }), z.object({ k: z.null() })]) }),
      tuple: query({ output: z.tuple([z.string(), z.number()]).readonly() }),
      record: query({ output: z.record(z.string(), z.object({ id: z.string().brand("Id") })) }),
      nothing: mutation(),
      void: mutation({ input: z.void(), output: z.void() }),
    });
    expectTypeOf<JsonUnsafePaths<typeof api>>().toBeNever();
  });
});

describe("IsJsonSafe", () => {
  interface Tree {
    name: string;
    children: readonly Tree[];
    parent?: Tree;
  }

  test("follows types that hold themselves", () => {
    expectTypeOf<IsJsonSafe<Tree>>().toEqualTypeOf<true>();
    expectTypeOf<IsJsonSafe<Tree & { at: Date }>>().toEqualTypeOf<false>();
    expectTypeOf<IsJsonSafe<{ next?: { tree: Tree; at: Date } }>>().toEqualTypeOf<false>();
  });

  test("refuses functions and what has a toJSON", () => {
    expectTypeOf<IsJsonSafe<{ run: () => void }>>().toEqualTypeOf<false>();
    expectTypeOf<IsJsonSafe<{ toJSON(): string }>>().toEqualTypeOf<false>();
  });
});
