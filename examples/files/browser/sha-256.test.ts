import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Sha256 } from "./sha-256.ts";

function hashOf(...parts: readonly Uint8Array[]): string {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

describe("Sha256", () => {
  it("is what the standard's example says", () => {
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(hashOf(new TextEncoder().encode("abc"))).toBe(expected);
  });

  it("is Node's for every length around a block's", () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7 + length);
      expect([length, hashOf(bytes)]).toEqual([length, createHash("sha256").update(bytes).digest("hex")]);
    }
  });

  it("is the same however the bytes come", () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 2_654_435_761) >>> 24);
    const expected = createHash("sha256").update(bytes).digest("hex");
    for (const partLength of [1, 63, 64, 65, 4_096]) {
      const parts: Uint8Array[] = [];
      for (let start = 0; start < bytes.length; start += partLength)
        parts.push(bytes.subarray(start, start + partLength));
      expect(hashOf(...parts)).toBe(expected);
    }
  });
});
