import { describe, expect, test } from "vitest";
import { Credit, costOf, Window } from "./credit.ts";
import { TautlineError } from "./errors.ts";
import { windowBytes } from "./options.ts";

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    return thrown instanceof TautlineError ? thrown.code : "not a TautlineError";
  }
  return undefined;
}

describe("Credit", () => {
  test("is for 1,024 small items, whatever their length", () => {
    const credit = new Credit();
    for (let item = 0; item < 1023; item++) credit.spend(costOf(item));
    expect(credit.granted()).toBeUndefined();
    credit.spend(costOf(1));
    expect(credit.granted()).toBeInstanceOf(Promise);
  });

  test("is for 256 KiB of large ones; the last may go over it", () => {
    const credit = new Credit();
    credit.spend(costOf(windowBytes - 1));
    expect(credit.granted()).toBeUndefined();
    credit.spend(costOf(50_000_000));
    expect(credit.granted()).toBeInstanceOf(Promise);
  });

  test("is waited for until more was granted than was sent", async () => {
    const credit = new Credit();
    credit.spend(costOf(2 * windowBytes));
    let waits = true;
    void credit.granted()?.then(() => {
      waits = false;
    });
    credit.grant(windowBytes + 1);
    await Promise.resolve();
    expect([waits, credit.granted() !== undefined]).toEqual([true, true]);
    credit.grant(2 * windowBytes + 1);
    await Promise.resolve();
    expect([waits, credit.granted()]).toEqual([false, undefined]);
  });

  test.each([windowBytes, windowBytes - 1, 1, windowBytes + 10])(
    "never goes back: not to %d after 10 more",
    (total) => {
      const credit = new Credit();
      credit.grant(windowBytes + 10);
      expect(codeOf(() => credit.grant(total))).toBe("BAD_MESSAGE");
    },
  );
});

describe("Window", () => {
  test("grants as much again as was taken, half a window at a time", () => {
    const window = new Window();
    const granted: unknown[] = [];
    for (let item = 0; item < 1024; item++) {
      window.receive(100);
      granted.push(window.take(100));
    }
    expect(granted.filter((total) => total !== undefined)).toEqual([1.5 * windowBytes, 2 * windowBytes]);
    expect(granted[511]).toBe(1.5 * windowBytes);
  });

  test("refuses what there was no credit for", () => {
    const window = new Window();
    for (let item = 0; item < 1024; item++) window.receive(0);
    expect(codeOf(() => window.receive(0))).toBe("BAD_MESSAGE");
  });

  test("counts as a sender does, so that neither waits for the other, whatever the items", () => {
    const [credit, window] = [new Credit(), new Window()];
    const waiting: number[] = [];
    for (let item = 0; item < 10_000; item++) {
      const length = ((item * 7_919) % 13) ** 5;
      // Everything that was sent has been taken: there must be credit.
      while (credit.granted() !== undefined && waiting.length > 0) {
        const granted = window.take(waiting.shift() ?? 0);
        if (granted !== undefined) credit.grant(granted);
      }
      expect(credit.granted()).toBeUndefined();
      credit.spend(costOf(length));
      window.receive(length);
      waiting.push(length);
    }
  });
});
