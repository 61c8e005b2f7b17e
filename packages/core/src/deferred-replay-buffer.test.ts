import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeferredReplayBuffer } from "./deferred-replay-buffer.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import type { OutgoingMessage } from "./shared-message.ts";

/** Owes what it is told to have sent. */
function createBorrower() {
  const owed: string[] = [];
  const onRecalled = (kept: Pick<ReplayBuffer, "push">): void => {
    for (const message of owed.splice(0)) kept.push(message);
  };
  return { owed, onRecalled };
}

function view(buffer: ReplayBuffer): unknown[] {
  const kept: OutgoingMessage[] = [];
  buffer.replay((message) => kept.push(message));
  return [buffer.start, buffer.end, buffer.length, kept];
}

describe("a deferred replay buffer", () => {
  test.each<[string, (buffer: DeferredReplayBuffer) => unknown]>([
    ["its start", (buffer) => buffer.start],
    ["its end", (buffer) => buffer.end],
    ["its length", (buffer) => buffer.length],
    ["a replay", (buffer) => buffer.replay(() => {})],
    ["a push", (buffer) => buffer.push("x")],
    ["a trim", (buffer) => buffer.trim(0)],
    ["another borrower", (buffer) => buffer.lendTo(createBorrower())],
    ["a recall", (buffer) => buffer.recall()],
  ])("recalls what it is owed before %s, once", (_name, act) => {
    const buffer = new DeferredReplayBuffer(100);
    const borrower = createBorrower();
    buffer.push("a");
    buffer.lendTo(borrower);
    borrower.owed.push("b", "c");
    act(buffer);
    expect(borrower.owed).toEqual([]);
    borrower.owed.push("never asked for");
    expect(view(buffer).at(-1)).toEqual(expect.arrayContaining(["a", "b", "c"]));
    expect(borrower.owed).toEqual(["never asked for"]);
  });

  test("looks, whoever sends, as one that was told of each message at once", () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ owe: fc.string({ maxLength: 9 }) }) },
      { weight: 2, arbitrary: fc.record({ push: fc.string({ maxLength: 9 }) }) },
      { weight: 1, arbitrary: fc.record({ trim: fc.nat(6) }) },
      { weight: 1, arbitrary: fc.constant({ look: true }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const [buffer, model] = [new DeferredReplayBuffer(60), new ReplayBuffer(60)];
        const borrower = createBorrower();
        for (const one of steps) {
          if ("owe" in one) {
            // It is lent again after each recall, as a seat borrows again.
            if (borrower.owed.length === 0) buffer.lendTo(borrower);
            borrower.owed.push(one.owe);
            model.push(one.owe);
          } else if ("push" in one) {
            for (const each of [buffer, model]) each.push(one.push);
          } else if ("trim" in one) {
            const position = Math.min(model.end, model.start + one.trim);
            for (const each of [buffer, model]) each.trim(position);
          } else expect(view(buffer)).toEqual(view(model));
        }
        expect(view(buffer)).toEqual(view(model));
      }),
    );
  });
});
