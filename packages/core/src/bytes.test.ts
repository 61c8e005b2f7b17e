import { describe, expect, test } from "vitest";
import { bytes } from "./bytes.ts";
import { validate } from "./schema.ts";

describe("bytes()", () => {
  test.each([
    ["a Uint8Array", Uint8Array.of(1, 2)],
    ["an empty one", new Uint8Array()],
    ["a Buffer", Buffer.from("text")],
  ])("takes %s as it is", (_, value) => {
    expect(validate(bytes(), value)).toBe(value);
  });

  test.each([
    ["text", "text"],
    ["an array of numbers", [1, 2]],
    ["an ArrayBuffer", new ArrayBuffer(2)],
    ["another typed array", new Uint16Array(2)],
    ["what only says that it is one", { [Symbol.toStringTag]: "Uint8Array", length: 2 }],
    ["nothing", undefined],
  ])("refuses %s", (_, value) => {
    expect(() => validate(bytes(), value)).toThrow("expected bytes");
  });
});
