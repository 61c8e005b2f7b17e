import { expect, test } from "vitest";
import { StreamingCalls } from "./streaming-calls.ts";
import { createPipe, makeCall } from "./testing/recorded-calls.ts";
import { Values } from "./values.ts";

test("a large subscription that moves while it leaves in parts sends no more of them where it was", async () => {
  const clock = { now: () => 0, turn: () => Promise.resolve() };
  const calls = new StreamingCalls({ values: new Values(), clock, windowBytes: 1_000 });
  const [old, next] = [createPipe(), createPipe()];
  calls.attach(old);
  makeCall(calls, "subscription", "s", "x".repeat(900_000));
  calls.attach(next);
  calls.leave(old);
  for (let turns = 0; turns < 100; turns++) await Promise.resolve();
  expect(old.sent.map(([type]) => type)).toEqual([18, 13]);
  expect(next.sent.map(([type]) => type)).toEqual(Array<number>(14).fill(18));
});
