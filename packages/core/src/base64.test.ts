import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64, toBase64 } from "./base64.ts";

const numRuns = 1_000;
const seed = Number(process.env["PROPERTY_SEED"] ?? Date.now() % 2 ** 31);

describe("base64", () => {
  test(`is Node's, and gives the bytes again (${numRuns} values, seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromBase64(text)).toStrictEqual(Uint8Array.from(bytes));
      }),
      { numRuns, seed },
    );
  });

  test("takes bytes of any length", () => {
    for (const length of [24 * 1024 - 1, 24 * 1024, 24 * 1024 + 1, 300_000]) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    }
  });

  test.each([
    "A",
    "AA",
    "AAA",
    "AAAAA",
    "A===",
    "====",
    "AA=A",
    "=AAA",
    "AA==AAAA",
    "A A=",
    "AAA\n",
    "AA-_",
    "AAAé",
    "A\0==",
  ])("refuses other characters and other padding: %j", (text) => {
    expect(fromBase64(text)).toBeUndefined();
  });
});
