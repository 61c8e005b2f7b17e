import { describe, expectTypeOf, test } from "vitest";
import { bytes } from "./bytes.ts";
import { contract, mutation, query } from "./contract.ts";
import type { JsonUnsafePaths } from "./json-safe.ts";
import type { SchemaInput, SchemaOutput } from "./schema.ts";

describe("bytes()", () => {
  const schema = bytes({ maxBytes: 10 });

  test("takes any Uint8Array, and gives one on memory of its own", () => {
    expectTypeOf<SchemaInput<typeof schema>>().toEqualTypeOf<Uint8Array>();
    expectTypeOf<SchemaOutput<typeof schema>>().toEqualTypeOf<Uint8Array<ArrayBuffer>>();
  });

  test("is not kept by JSON, as an input and as an output", () => {
    const api = contract({ save: mutation({ input: schema }), load: query({ output: schema }), ping: query() });
    expectTypeOf<JsonUnsafePaths<typeof api>>().toEqualTypeOf<"save" | "load">();
  });
});
