import { Deadlines } from "@tautline/core/internals";
import { FakeClock } from "@tautline/core/testing";
import { describe, expect, test } from "vitest";
import { type Draining, DrainWatch } from "./drain-watch.ts";

/** A connection that takes something whenever it is told to. */
class Taker implements Draining {
  takes = false;
  stuck = 0;
  #looks = 0;

  countStuckLook(): number {
    this.#looks = this.takes ? 0 : this.#looks + 1;
    return this.#looks;
  }

  onStuck(): void {
    this.stuck++;
  }
}

function createWatch(drainTimeoutMs: number) {
  const clock = new FakeClock();
  const connections = new Set<Draining>();
  /** Time in which no timer ran. */
  const stopped = { ms: 0 };
  const deadlines = new Deadlines({
    now: () => clock.now() + stopped.ms,
    setTimeout: (run, delayMs) => clock.setTimeout(run, delayMs),
    clearTimeout: (handle) => clock.clearTimeout(handle),
  });
  return { clock, connections, stopped, watch: new DrainWatch(deadlines, drainTimeoutMs, connections) };
}

describe("DrainWatch", () => {
  test("gives up a connection that takes nothing for its time, and no other", () => {
    const { clock, connections, watch } = createWatch(30_000);
    const [stuck, taking] = [new Taker(), new Taker()];
    connections.add(stuck).add(taking);
    watch.start();
    for (let second = 1; second < 30; second++) {
      taking.takes = second % 6 < 3;
      clock.advance(1_000);
    }
    expect([stuck.stuck, taking.stuck]).toEqual([0, 0]);
    clock.advance(1_000);
    expect([stuck.stuck, taking.stuck]).toEqual([1, 0]);
  });

  test("has one timer for all, and none without connections", () => {
    const { clock, connections, watch } = createWatch(30_000);
    const takers = Array.from({ length: 100 }, () => new Taker());
    for (const taker of takers) {
      connections.add(taker);
      watch.start();
    }
    expect(clock.timers).toBe(1);
    connections.clear();
    clock.advance(30_000);
    expect(clock.timers).toBe(0);
  });

  test("gives none up for the time that the process stood still", () => {
    const { clock, connections, stopped, watch } = createWatch(30_000);
    const taker = new Taker();
    connections.add(taker);
    watch.start();
    clock.advance(3_000);
    stopped.ms = 3_600_000;
    clock.advance(3_000);
    expect(taker.stuck).toBe(0);
    clock.advance(24_000);
    expect(taker.stuck).toBe(1);
  });

  test("never looks where it is off", () => {
    const { clock, connections, watch } = createWatch(Number.POSITIVE_INFINITY);
    connections.add(new Taker());
    watch.start();
    expect(clock.timers).toBe(0);
  });
});
