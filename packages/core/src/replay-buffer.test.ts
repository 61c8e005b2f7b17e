import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplayBuffer } from "./replay-buffer.ts";
import { type OutgoingMessage, SharedMessage } from "./shared-message.ts";

function kept(buffer: ReplayBuffer): OutgoingMessage[] {
  const messages: OutgoingMessage[] = [];
  buffer.replay((message) => messages.push(message));
  return messages;
}

describe("a replay buffer", () => {
  test("keeps a message that goes to many by reference, and counts its length like any other's", () => {
    const buffer = new ReplayBuffer(100);
    const shared = new SharedMessage('[35,1,"e1","hello"]');
    buffer.push("[22,1]");
    buffer.push(shared);
    expect(buffer.length).toBe(6 + 19);
    expect(kept(buffer)[1]).toBe(shared);
    buffer.trim(2);
    expect(buffer.length).toBe(0);
  });

  test("keeps what was pushed until it is trimmed, oldest first, by its place in the whole run", () => {
    const buffer = new ReplayBuffer(100);
    for (const message of ["a", "bb", "ccc"]) buffer.push(message);
    expect([buffer.start, buffer.end, buffer.length, kept(buffer)]).toEqual([0, 3, 6, ["a", "bb", "ccc"]]);
    buffer.trim(2);
    expect([buffer.start, buffer.end, buffer.length, kept(buffer)]).toEqual([2, 3, 3, ["ccc"]]);
    buffer.push("d");
    expect([buffer.start, buffer.end, buffer.length, kept(buffer)]).toEqual([2, 4, 4, ["ccc", "d"]]);
    buffer.trim(4);
    expect([buffer.start, buffer.end, buffer.length, kept(buffer)]).toEqual([4, 4, 0, []]);
  });

  test("trimming to where it has been trimmed already changes nothing", () => {
    const buffer = new ReplayBuffer(100);
    for (const message of ["a", "b", "c"]) buffer.push(message);
    buffer.trim(2);
    buffer.trim(1);
    buffer.trim(2);
    expect([buffer.start, kept(buffer)]).toEqual([2, ["c"]]);
  });

  test("lets the oldest go over its limit, and not at it", () => {
    const buffer = new ReplayBuffer(6);
    for (const message of ["aa", "bb", "cc"]) buffer.push(message);
    expect(kept(buffer)).toEqual(["aa", "bb", "cc"]);
    buffer.push("d");
    expect([buffer.start, buffer.end, buffer.length, kept(buffer)]).toEqual([1, 4, 5, ["bb", "cc", "d"]]);
  });

  test("keeps the newest message, however long it is: it may be on its way", () => {
    const buffer = new ReplayBuffer(3);
    buffer.push("a");
    buffer.push("long one");
    expect([buffer.start, kept(buffer)]).toEqual([1, ["long one"]]);
    buffer.push("b");
    expect([buffer.start, buffer.length, kept(buffer)]).toEqual([2, 1, ["b"]]);
  });

  test("keeps bytes as they are, and counts them beside text", () => {
    const buffer = new ReplayBuffer(10);
    const bytes = new Uint8Array(6);
    buffer.push("text");
    buffer.push(bytes);
    expect([buffer.length, kept(buffer)]).toEqual([10, ["text", bytes]]);
    expect(kept(buffer)[1]).toBe(bytes);
    buffer.push("x");
    expect([buffer.length, buffer.start, kept(buffer)]).toEqual([7, 1, [bytes, "x"]]);
  });

  test("hands over each message once, also where those before it are let go meanwhile", () => {
    for (const behind of [1, 0]) {
      const buffer = new ReplayBuffer(100_000);
      const all = Array.from({ length: 2_000 }, (_, index) => `${index}`);
      for (const message of all) buffer.push(message);
      const messages: OutgoingMessage[] = [];
      buffer.replay((message) => {
        messages.push(message);
        buffer.trim(messages.length - behind);
      });
      expect(messages).toEqual(all);
    }
  });

  test("takes no memory for what it has let go, whether that was acknowledged or not", () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const bytes = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const buffer = new ReplayBuffer(100);
    const before = bytes();
    for (let count = 0; count < 2_000_000; count++) buffer.push("message");
    expect([buffer.end, kept(buffer).length]).toEqual([2_000_000, 14]);
    // A slot for each would be 16 MB.
    expect(bytes() - before).toBeLessThan(4_000_000);
  });

  test("is what an array of all messages would be, whatever happens to it", () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ push: fc.string({ maxLength: 12 }) }) },
        { weight: 1, arbitrary: fc.record({ trimTo: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      ),
      { maxLength: 1_500, size: "max" },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 60 }), (list, maxLength) => {
        const buffer = new ReplayBuffer(maxLength);
        const all: string[] = [];
        let first = 0;
        const lengthFrom = (from: number): number => all.slice(from).join("").length;
        for (const step of list) {
          if ("push" in step) {
            all.push(step.push);
            buffer.push(step.push);
            while (lengthFrom(first) > maxLength && first < all.length - 1) first++;
          } else {
            first = Math.max(first, Math.floor(step.trimTo * all.length));
            buffer.trim(first);
          }
          expect([buffer.start, buffer.end, buffer.length]).toEqual([first, all.length, lengthFrom(first)]);
        }
        expect(kept(buffer)).toEqual(all.slice(first));
      }),
      { numRuns: 40 },
    );
  });
});
