import { bytes } from "@tautline/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { z as z3 } from "zod/v3";
import { wireKindsOf } from "./wire-kinds.ts";

interface Tree {
  at: Date;
  children: Tree[];
}
const tree: z.ZodType<Tree> = z.object({ at: z.date(), children: z.array(z.lazy(() => tree)) });
const tree3: z3.ZodType<Tree> = z3.object({ at: z3.date(), children: z3.array(z3.lazy(() => tree3)) });

describe("wireKindsOf", () => {
  test.each([
    ["a plain object", z.object({ a: z.string(), b: z.array(z.number()).optional() }), []],
    [
      "each kind",
      z.union([z.date(), z.bigint(), z.map(z.string(), z.string()), z.set(z.string()), z.nan()]),
      ["Date", "Map", "NaN", "Set", "bigint"],
    ],
    [
      "objects and their catchall",
      z.object({ a: z.object({ at: z.date() }) }).catchall(z.bigint()),
      ["Date", "bigint"],
    ],
    ["tuples and their rest", z.tuple([z.date()], z.bigint()), ["Date", "bigint"]],
    ["records", z.record(z.string(), z.date()), ["Date"]],
    ["intersections", z.intersection(z.object({ a: z.date() }), z.object({ b: z.bigint() })), ["Date", "bigint"]],
    ["what wraps", z.date().nullable().optional().readonly().default(new Date(0)), ["Date"]],
    [
      "checks",
      z
        .date()
        .min(new Date(0))
        .refine(() => true),
      ["Date"],
    ],
    ["Maps of Sets", z.map(z.string(), z.set(z.date())), ["Date", "Map", "Set"]],
    ["bytes of this product's own", bytes(), ["bytes"]],
    ["bytes, nested", z.object({ a: z.array(z.instanceof(Uint8Array)) }), ["bytes"]],
    ["Buffers and ArrayBuffers", z.tuple([z.instanceof(Buffer), z.instanceof(ArrayBuffer)]), ["bytes"]],
    ["instances of other classes", z.instanceof(URL), []],
    ["undefined in arrays", z.array(z.string().optional()), ["undefined in an array"]],
    ["undefined in a union in a tuple", z.tuple([z.union([z.string(), z.undefined()])]), ["undefined in an array"]],
    ["anything in arrays", z.array(z.unknown()), []],
    ["schemas that hold themselves", tree, ["Date"]],
    ["Zod 3: objects", z3.object({ a: z3.object({ at: z3.date() }).strict() }), ["Date"]],
    [
      "Zod 3: each kind",
      z3.union([z3.date(), z3.bigint(), z3.map(z3.string(), z3.string()), z3.set(z3.string()), z3.nan()]),
      ["Date", "Map", "NaN", "Set", "bigint"],
    ],
    ["Zod 3: what wraps", z3.date().nullable().optional().readonly().default(new Date(0)).catch(new Date(0)), ["Date"]],
    ["Zod 3: branded", z3.date().brand("at"), ["Date"]],
    ["Zod 3: undefined in arrays", z3.array(z3.string().optional()), ["undefined in an array"]],
    ["Zod 3: schemas that hold themselves", tree3, ["Date"]],
  ] as const)("finds what is in %s, both ways", (_name, schema, kinds) => {
    expect([...wireKindsOf(schema, "input")].sort()).toEqual(kinds);
    expect([...wireKindsOf(schema, "output")].sort()).toEqual(kinds);
  });

  test.each([
    ["coerced dates", z.coerce.date(), [], ["Date"]],
    ["pipes", z.date().pipe(z.transform((date) => date.toISOString())), ["Date"], []],
    ["codecs", z.codec(z.string(), z.date(), { decode: (text) => new Date(text), encode: String }), [], ["Date"]],
    ["preprocessors", z.preprocess((value) => value, z.date()), [], ["Date"]],
    ["Zod 3: coerced dates", z3.coerce.date(), [], ["Date"]],
    ["Zod 3: transforms", z3.date().transform(String), ["Date"], []],
    ["Zod 3: refinements", z3.date().refine(() => true), ["Date"], ["Date"]],
    ["Zod 3: preprocessors", z3.preprocess((value) => value, z3.date()), [], ["Date"]],
    ["Zod 3: pipelines", z3.string().pipe(z3.coerce.date()), [], ["Date"]],
  ] as const)("tells what is sent from what is received in %s", (_name, schema, input, output) => {
    expect([...wireKindsOf(schema, "input")]).toEqual(input);
    expect([...wireKindsOf(schema, "output")]).toEqual(output);
  });

  test("does not run the user's defaults", () => {
    const schema = z.object({
      a: z.string().default(() => {
        throw new Error("ran");
      }),
      b: z.string().catch(() => {
        throw new Error("ran");
      }),
    });
    expect([...wireKindsOf(schema, "output")]).toEqual([]);
  });

  test("comes to an end where a schema is made anew whenever it is asked for", () => {
    const list = (inner: z.ZodType): z.ZodType =>
      z.lazy(() => z.object({ value: inner, next: list(inner).nullable() }));
    expect([...wireKindsOf(list(z.date()), "output")]).toEqual(["Date"]);
  });

  test("finds the rest of a schema of which a part is not there yet", () => {
    const later = z.lazy((): z.ZodType => {
      throw new ReferenceError("Cannot access 'Tree' before initialization");
    });
    expect([...wireKindsOf(z.object({ later, at: z.date() }), "output")]).toEqual(["Date"]);
  });

  test("knows nothing of other libraries' schemas", () => {
    const other = { "~standard": { version: 1, vendor: "other", validate: (value: unknown) => ({ value }) } } as const;
    expect([...wireKindsOf(other, "input")]).toEqual([]);
  });
});
