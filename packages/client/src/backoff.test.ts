import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

test("the ceiling doubles up to the most, and is a number however often it was tried", () => {
  const most = (attempt: number, baseMs: number): number =>
    backoffMs(attempt, { backoff: { baseMs, maxMs: 1_000 }, random: () => 1 });
  expect([1, 2, 3, 4, 2_000].map((attempt) => most(attempt, 250))).toEqual([250, 500, 1_000, 1_000, 1_000]);
  expect([1, 2_000].map((attempt) => most(attempt, 0))).toEqual([0, 0]);
});
