import { describe, expect, it } from "vitest";
import { SeededRandom } from "./seeded-random.ts";

const take = (seed: number): number[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: 10_000 }, random.next);
};

describe("SeededRandom", () => {
  it("gives the same numbers for the same seed, and others for the next", () => {
    expect(take(7)).toEqual(take(7));
    expect(take(7)[0]).not.toBe(take(8)[0]);
  });

  it("spreads them from 0 to 1, for seeds in a row too", () => {
    const numbers = take(3);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toBeCloseTo(0.5, 1);
    const firsts = Array.from({ length: 10_000 }, (_, seed) => new SeededRandom(seed).next());
    expect(firsts.reduce((sum, number) => sum + number, 0) / firsts.length).toBeCloseTo(0.5, 1);
  });

  it("gives whole numbers with both ends, and picks each choice", () => {
    const random = new SeededRandom(1);
    expect(new Set(Array.from({ length: 200 }, () => random.integer(2, 4)))).toEqual(new Set([2, 3, 4]));
    expect(new Set(Array.from({ length: 200 }, () => random.pick(["a", "b"])))).toEqual(new Set(["a", "b"]));
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
