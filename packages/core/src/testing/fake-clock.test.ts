import { describe, expect, test } from "vitest";
import { FakeClock } from "./fake-clock.ts";

describe("FakeClock", () => {
  test("stands still until it is advanced", () => {
    const clock = new FakeClock();
    expect(clock.now()).toBe(0);
    clock.advance(1500);
    expect(clock.now()).toBe(1500);
  });

  test("runs timers by time, then in the order in which they were set, each at its own time", () => {
    const clock = new FakeClock();
    const ran: [string, number][] = [];
    const at = (name: string, ms: number): unknown => clock.setTimeout(() => ran.push([name, clock.now()]), ms);
    at("late", 30);
    at("first", 10);
    at("second", 10);
    clock.advance(29);
    expect(ran).toEqual([
      ["first", 10],
      ["second", 10],
    ]);
    expect([clock.timers, clock.nextAt]).toEqual([1, 30]);
    clock.advance(1);
    expect(ran.at(-1)).toEqual(["late", 30]);
    expect([clock.timers, clock.nextAt]).toEqual([0, undefined]);
  });

  test("runs a timer that a timer has set, if it is due in the same advance", () => {
    const clock = new FakeClock();
    const ran: number[] = [];
    clock.setTimeout(() => clock.setTimeout(() => ran.push(clock.now()), 5), 5);
    clock.advance(9);
    expect(ran).toEqual([]);
    clock.advance(1);
    expect(ran).toEqual([10]);
  });

  test("does not run a timer that was cleared, also by one that was due before it", () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    const cleared = clock.setTimeout(() => ran.push("cleared"), 1);
    const next = clock.setTimeout(() => ran.push("next"), 3);
    clock.setTimeout(() => clock.clearTimeout(next), 2);
    clock.clearTimeout(cleared);
    clock.advance(10);
    expect(ran).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test("takes a delay over 2^31 - 1 ms for 1 ms, as hosts do", () => {
    const clock = new FakeClock();
    clock.setTimeout(() => {}, 2 ** 31);
    expect(clock.nextAt).toBe(1);
    clock.setTimeout(() => {}, 2 ** 31 - 1);
    clock.advance(1);
    expect(clock.nextAt).toBe(2 ** 31 - 1);
  });

  test("gives a turn in the next advance, not before", async () => {
    const clock = new FakeClock();
    let turned = false;
    const turn = clock.turn().then(() => {
      turned = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(turned).toBe(false);
    clock.advance(0);
    await turn;
    expect(turned).toBe(true);
  });

  test("throws what a timer throws, and goes on from there when advanced again", () => {
    const clock = new FakeClock();
    const ran: number[] = [];
    clock.setTimeout(() => {
      throw new Error("in a timer");
    }, 1);
    clock.setTimeout(() => ran.push(clock.now()), 2);
    expect(() => clock.advance(5)).toThrow("in a timer");
    expect([clock.now(), ran]).toEqual([1, []]);
    clock.advance(1);
    expect(ran).toEqual([2]);
  });
});
