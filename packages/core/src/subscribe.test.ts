import { expect, test } from "vitest";
import { Deadlines } from "./deadlines.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { subscribe } from "./subscribe.ts";
import type { SubscriptionIterator } from "./subscription-iterator.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { createPipe } from "./testing/recorded-calls.ts";
import { Values } from "./values.ts";

test("whoever aborts a loop has no more of its items, also of those that have come", async () => {
  const calls = new OutgoingCalls();
  const pipe = createPipe();
  calls.attach(pipe);
  const deadlines = new Deadlines(new FakeClock());
  const runtime = { calls, deadlines, connection: { use: () => {}, release: () => {} }, values: new Values() };
  const controller = new AbortController();
  const options = { signal: controller.signal };
  const definition = { type: "subscription", path: "s", input: undefined, options } as const;
  // Without callbacks it is one.
  const items = subscribe(runtime, definition) as SubscriptionIterator;
  for (const item of ["a", "b", "c"]) calls.receive([23, 1, item], pipe);
  const taken: unknown[] = [];
  for await (const item of items) {
    taken.push(item);
    controller.abort();
  }
  expect(taken).toEqual(["a"]);
});
