import { describe, expect, test } from "vitest";
import { z } from "zod";
import { isSchema, SchemaError, validate } from "./schema.ts";

describe("validate", () => {
  test("gives the parsed value at once where the schema is synchronous", () => {
    expect(validate(z.object({ count: z.coerce.number() }), { count: "3", extra: true })).toEqual({ count: 3 });
  });

  test("gives a promise where the schema is asynchronous", async () => {
    const even = z.number().refine(async (value) => value % 2 === 0);
    const result = validate(even, 4);
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe(4);
    await expect(validate(even, 3)).rejects.toBeInstanceOf(SchemaError);
  });

  test("throws all issues, and says where the first one is", () => {
    const schema = z.object({ user: z.object({ name: z.string() }), at: z.number() });
    let thrown: unknown;
    try {
      void validate(schema, { user: { name: 1 }, at: "now" });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SchemaError);
    const error = thrown as SchemaError;
    expect(error.issues).toHaveLength(2);
    expect(error.message).toMatch(/^user\.name: .*\(and 1 more\)$/);
  });

  test("describes a path of segments, and no path at all", () => {
    expect(new SchemaError([{ message: "bad", path: [{ key: "a" }, 0] }]).message).toBe("a.0: bad");
    expect(new SchemaError([{ message: "bad" }]).message).toBe("bad");
    expect(new SchemaError([]).message).toBe("The value does not fit its schema");
  });
});

describe("isSchema", () => {
  test("takes objects and functions with a Standard Schema of version 1", () => {
    const callable = Object.assign(() => undefined, { "~standard": z.string()["~standard"] });
    expect([z.string(), callable].map(isSchema)).toEqual([true, true]);
  });

  test("takes nothing else", () => {
    const others = [undefined, null, "schema", {}, { "~standard": null }, { "~standard": { version: 1 } }, () => true];
    expect(others.map(isSchema)).toEqual(others.map(() => false));
  });
});
