import { describe, expect, test } from "vitest";
import { Deadlines } from "./deadlines.ts";
import { type Beating, Heartbeat } from "./heartbeat.ts";
import { FakeClock } from "./testing/fake-clock.ts";

/** A connection that hears what it is told to, and notes when it was asked and when it was given up. */
class Line implements Beating {
  readonly pingedAt: number[] = [];
  readonly silentAt: number[] = [];
  answers = false;
  #quiet = 0;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  hear(): void {
    this.#quiet = 0;
  }

  countQuietBeat(): number {
    return ++this.#quiet;
  }

  ping(): void {
    this.pingedAt.push(this.#clock.now());
    if (this.answers) this.hear();
  }

  onSilent(): void {
    this.silentAt.push(this.#clock.now());
  }
}

function start(lines = 1, options = { heartbeatMs: 25_000, deadAfterMs: 8_000 }) {
  const clock = new FakeClock();
  const connections = new Set(Array.from({ length: lines }, () => new Line(clock)));
  const heartbeat = new Heartbeat(new Deadlines(clock), options, () => connections);
  heartbeat.start();
  const [first] = connections;
  if (first === undefined) throw new Error("there is a line");
  return { clock, connections, heartbeat, line: first };
}

describe("a heartbeat", () => {
  test("asks a line that is silent, once, and gives it up when there is no answer", () => {
    const { clock, line } = start();
    clock.advance(24_999);
    expect(line.pingedAt).toEqual([]);
    clock.advance(1);
    expect(line.pingedAt).toEqual([25_000]);
    clock.advance(7_999);
    expect([line.pingedAt, line.silentAt]).toEqual([[25_000], []]);
    clock.advance(1);
    expect([line.pingedAt, line.silentAt]).toEqual([[25_000], [33_000]]);
  });

  test("asks again and again a line that does nothing but answer", () => {
    const { clock, line } = start();
    line.answers = true;
    clock.advance(100_000);
    expect([line.pingedAt, line.silentAt]).toEqual([[25_000, 50_000, 75_000, 100_000], []]);
  });

  test("leaves a line alone that is heard of: anything that comes is a sign of life", () => {
    const { clock, line } = start();
    for (let round = 0; round < 20; round++) {
      clock.advance(20_000);
      line.hear();
    }
    expect([line.pingedAt, line.silentAt]).toEqual([[], []]);
  });

  test("takes an answer at the last moment", () => {
    const { clock, line } = start();
    clock.advance(32_999);
    line.hear();
    // To the beat, a 25th of 25 s.
    clock.advance(24_000);
    expect([line.pingedAt, line.silentAt]).toEqual([[25_000], []]);
  });

  test("looks after many lines with one timer, each by itself", () => {
    const { clock, connections, line } = start(100);
    expect(clock.timers).toBe(1);
    line.answers = true;
    clock.advance(33_000);
    const given = [...connections].filter(({ silentAt }) => silentAt.length > 0);
    expect([given.length, line.silentAt]).toEqual([99, []]);
    expect(clock.timers).toBe(1);
  });

  test("takes lines that come and go meanwhile", () => {
    const { clock, connections, line } = start();
    clock.advance(20_000);
    const late = new Line(clock);
    connections.add(late);
    late.onSilent = () => void connections.delete(late);
    connections.delete(line);
    clock.advance(60_000);
    expect([line.pingedAt, late.pingedAt, connections.size]).toEqual([[], [45_000], 0]);
  });

  test("takes nobody for dead because the clock, or the process, stood still", () => {
    const { clock, line } = start();
    // A process that was stopped for an hour runs the one timer that was due, late.
    const now = clock.now.bind(clock);
    let stopped = 0;
    clock.now = () => now() + stopped;
    stopped = 3_600_000;
    clock.advance(1_000);
    expect([line.pingedAt, line.silentAt]).toEqual([[], []]);
    clock.advance(24_000);
    expect(line.silentAt).toEqual([]);
    expect(line.pingedAt).toHaveLength(1);
  });

  test("is off with Infinity: no timer, no ping", () => {
    const { clock, line } = start(1, { heartbeatMs: Number.POSITIVE_INFINITY, deadAfterMs: 8_000 });
    expect(clock.timers).toBe(0);
    clock.advance(1e9);
    expect([line.pingedAt, line.silentAt]).toEqual([[], []]);
  });

  test("asks and never gives up where deadAfterMs is Infinity", () => {
    const { clock, line } = start(1, { heartbeatMs: 1_000, deadAfterMs: Number.POSITIVE_INFINITY });
    clock.advance(1e6);
    expect([line.pingedAt, line.silentAt]).toEqual([[1_000], []]);
  });

  test("stops, and starts once however often it is told to", () => {
    const { clock, heartbeat, line } = start();
    heartbeat.start();
    expect(clock.timers).toBe(1);
    heartbeat.stop();
    heartbeat.stop();
    expect(clock.timers).toBe(0);
    clock.advance(100_000);
    expect(line.pingedAt).toEqual([]);
    heartbeat.start();
    clock.advance(25_000);
    expect(line.pingedAt).toHaveLength(1);
  });

  test("goes on where what a line does throws", () => {
    const { clock, connections, line } = start(2);
    const [, other] = connections;
    line.ping = () => {
      throw new Error("broken");
    };
    expect(() => clock.advance(25_000)).toThrow("broken");
    clock.advance(33_000);
    expect(other?.silentAt.length).toBeGreaterThan(0);
  });
});
