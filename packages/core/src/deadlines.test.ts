import { describe, expect, test } from "vitest";
import { Deadlines } from "./deadlines.ts";
import { FakeClock } from "./testing/fake-clock.ts";

function createDeadlines() {
  const clock = new FakeClock();
  const ran: [string, number][] = [];
  const deadlines = new Deadlines(clock);
  const add = (name: string, delayMs: number) => deadlines.add(delayMs, () => ran.push([name, clock.now()]));
  return { clock, deadlines, ran, add };
}

describe("Deadlines", () => {
  test("run what is due, whatever the order in which it was added, and keep the rest", () => {
    const { clock, deadlines, ran, add } = createDeadlines();
    add("c", 300);
    add("a", 100);
    add("b", 200);
    clock.advance(99);
    expect(ran).toEqual([]);
    clock.advance(101);
    expect(ran).toEqual([
      ["a", 100],
      ["b", 200],
    ]);
    expect(deadlines.size).toBe(1);
    clock.advance(100);
    expect(ran.at(-1)).toEqual(["c", 300]);
    expect(deadlines.size).toBe(0);
  });

  test("take a timer each, and none when there are none", () => {
    const { clock, deadlines, add } = createDeadlines();
    for (let delayMs = 100; delayMs > 0; delayMs--) add("any", delayMs);
    clock.advance(50);
    expect([clock.timers, deadlines.size]).toEqual([50, 50]);
    clock.advance(50);
    expect([clock.timers, deadlines.size]).toEqual([0, 0]);
  });

  test("wait on where a timer comes early", () => {
    const clock = new FakeClock();
    const ran: number[] = [];
    const early = (run: () => void, delayMs: number) => clock.setTimeout(run, Math.max(1, Math.floor(delayMs)));
    const deadlines = new Deadlines({
      now: () => clock.now() / 2,
      setTimeout: early,
      clearTimeout: (handle) => clock.clearTimeout(handle),
    });
    deadlines.add(8, () => ran.push(clock.now()));
    clock.advance(15);
    expect([ran, clock.timers]).toEqual([[], 1]);
    clock.advance(100);
    expect(ran.length).toBe(1);
  });

  test("do not run what was cancelled, also by another that is due with it", () => {
    const { clock, deadlines, ran, add } = createDeadlines();
    const first = add("first", 10);
    deadlines.add(20, () => second.cancel());
    const second = add("second", 20);
    add("third", 20);
    first.cancel();
    first.cancel();
    clock.advance(100);
    expect(ran).toEqual([["third", 20]]);
    expect(deadlines.size).toBe(0);
  });

  test("leave no timer behind when they are cancelled: it would keep the process alive", () => {
    const { clock, ran, add } = createDeadlines();
    const [one, other] = [add("one", 1000), add("other", 2000)];
    one.cancel();
    expect(clock.timers).toBe(1);
    other.cancel();
    expect(clock.timers).toBe(0);
    add("later", 3000);
    clock.advance(3000);
    expect(ran).toEqual([["later", 3000]]);
  });

  test("are forgotten, with their timer, when they are cleared", () => {
    const { clock, deadlines, ran, add } = createDeadlines();
    add("a", 10);
    add("b", 20);
    deadlines.clear();
    expect([clock.timers, deadlines.size]).toEqual([0, 0]);
    clock.advance(100);
    expect(ran).toEqual([]);
    add("c", 10);
    clock.advance(10);
    expect(ran).toEqual([["c", 110]]);
  });

  test("may be added while others run, also for now", () => {
    const { clock, deadlines, ran, add } = createDeadlines();
    deadlines.add(10, () => {
      add("at once", 0);
      add("soon", 5);
    });
    clock.advance(10);
    expect(ran).toEqual([["at once", 10]]);
    clock.advance(5);
    expect(ran.at(-1)).toEqual(["soon", 15]);
  });

  test("are all run although one of them throws", () => {
    const { clock, deadlines, ran, add } = createDeadlines();
    deadlines.add(10, () => {
      throw new Error("from a deadline");
    });
    add("same time", 10);
    add("later", 20);
    expect(() => clock.advance(10)).toThrow("from a deadline");
    clock.advance(10);
    expect(ran.map(([name]) => name)).toEqual(["same time", "later"]);
    expect([clock.timers, deadlines.size]).toEqual([0, 0]);
  });

  test("may be further away than a host's timers reach, which is 2^31 - 1 ms", () => {
    const { clock, ran, add } = createDeadlines();
    const days = 86_400_000;
    add("in forty days", 40 * days);
    expect(clock.nextAt).toBeGreaterThan(24 * days);
    clock.advance(39 * days);
    expect(ran).toEqual([]);
    expect(clock.nextAt).toBe(40 * days);
    clock.advance(days);
    expect(ran).toEqual([["in forty days", 40 * days]]);
  });

  test("never come where the delay is Infinity", () => {
    const { clock, deadlines, add } = createDeadlines();
    const never = add("never", Number.POSITIVE_INFINITY);
    expect(clock.timers).toBe(0);
    never.cancel();
    expect(deadlines.size).toBe(0);
  });
});
