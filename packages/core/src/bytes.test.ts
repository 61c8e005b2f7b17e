import { describe, expect, test } from "vitest";
import { bytes } from "./bytes.ts";
import { SchemaError, validate } from "./schema.ts";

describe("bytes()", () => {
  test("takes a Uint8Array as it is, and a Buffer", () => {
    for (const value of [Uint8Array.of(1, 2), new Uint8Array(), Buffer.from("a")]) {
      expect(validate(bytes(), value)).toBe(value);
    }
  });

  test("copies what lies on shared memory", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(7);
    const value = validate(bytes(), shared);
    shared.fill(0);
    expect(value).toStrictEqual(Uint8Array.of(7, 7));
  });

  test.each([
    ["an array", [1, 2]],
    ["a text", "AAAA"],
    ["an ArrayBuffer", new ArrayBuffer(2)],
    ["another typed array", Uint16Array.of(1)],
    ["a clamped array", Uint8ClampedArray.of(1)],
    ["a DataView", new DataView(new ArrayBuffer(2))],
    ["an object that calls itself one", { [Symbol.toStringTag]: "Uint8Array" }],
    ["null", null],
    ["undefined", undefined],
  ])("refuses %s", (_name, value) => {
    expect(() => validate(bytes(), value)).toThrow(new SchemaError([{ message: "Expected bytes: a Uint8Array" }]));
  });

  test("holds to a number of bytes", () => {
    expect(validate(bytes({ maxBytes: 3 }), new Uint8Array(3))).toHaveLength(3);
    expect(() => validate(bytes({ maxBytes: 3 }), new Uint8Array(4))).toThrow("At most 3 bytes, not 4");
  });
});
