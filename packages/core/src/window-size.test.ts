import { describe, expect, it } from "vitest";
import { Credit, StreamWindow } from "./credit.ts";
import { defaultMaxWindowBytes, windowBytes } from "./options.ts";
import { StreamLine } from "./stream-line.ts";
import { FakeClock } from "./testing/index.ts";
import { leastWindowBytes, WindowSize } from "./window-size.ts";

interface LineOptions {
  readonly roundTripMs: number;
  /** In bytes. */
  readonly perMs: number;
  readonly itemBytes?: number;
  /** How long the source takes for an item, and the reader. */
  readonly sourceMs?: number;
  readonly readerMs?: number;
  /** How often a call is made beside the stream. */
  readonly callEveryMs?: number;
  readonly most?: number;
}

/** A sender, a line and a receiver of one stream, which goes on without end. */
class Line {
  readonly clock = new FakeClock();
  readonly size: WindowSize;
  /** What was taken, in bytes. */
  taken = 0;
  /** The most that was sent and not taken. */
  mostAhead = 0;
  readonly #options: Required<LineOptions>;
  #callEveryMs: number;
  readonly #credit = new Credit(windowBytes);
  readonly #window: StreamWindow;
  readonly #kept: number[] = [];
  /** When the source has the next item, and the line has room for it. */
  #readyAt = 0;
  #calls = 0;
  #freeAt = 0;
  #reading = false;

  constructor(options: LineOptions) {
    const defaults = { itemBytes: 16 * 1024, sourceMs: 0, readerMs: 0, callEveryMs: Number.POSITIVE_INFINITY };
    this.#options = { ...defaults, most: defaultMaxWindowBytes, ...options };
    this.size = new WindowSize(new StreamLine(this.clock, () => this.#calls), this.#options.most);
    this.#window = new StreamWindow(this.size, windowBytes);
    this.#grant(this.#window.open());
    this.#send();
    this.#callEveryMs = this.#options.callEveryMs;
    this.callEvery(this.#callEveryMs);
  }

  /** Returns how much was taken meanwhile, in bytes. */
  run(durationMs: number): number {
    const before = this.taken;
    this.clock.advance(durationMs);
    return this.taken - before;
  }

  callEvery(everyMs: number): void {
    this.#callEveryMs = everyMs;
    if (everyMs !== Number.POSITIVE_INFINITY) this.clock.setTimeout(() => this.#call(everyMs), everyMs);
  }

  #call(everyMs: number): void {
    this.#calls++;
    if (this.#callEveryMs === everyMs) this.callEvery(everyMs);
  }

  #send(): void {
    const { itemBytes, perMs, roundTripMs, sourceMs } = this.#options;
    while (this.#credit.left > 0 && this.clock.now() >= this.#readyAt) {
      this.#credit.spend(itemBytes);
      this.#readyAt = this.clock.now() + sourceMs;
      this.mostAhead = Math.max(this.mostAhead, this.#credit.spent - this.taken);
      this.#freeAt = Math.max(this.#freeAt, this.clock.now()) + itemBytes / perMs;
      this.clock.setTimeout(() => this.#receive(), this.#freeAt + roundTripMs / 2 - this.clock.now());
      if (sourceMs > 0) this.clock.setTimeout(() => this.#send(), sourceMs);
    }
  }

  #receive(): void {
    const { itemBytes } = this.#options;
    this.#window.receive(itemBytes, !this.#reading && this.#kept.length === 0);
    this.#kept.push(itemBytes);
    if (!this.#reading) this.#take();
  }

  #take(): void {
    const itemBytes = this.#kept.shift();
    this.#reading = itemBytes !== undefined;
    if (itemBytes === undefined) return;
    this.taken += itemBytes;
    this.#grant(this.#window.take(itemBytes));
    if (this.#options.readerMs === 0) this.#take();
    else this.clock.setTimeout(() => this.#take(), this.#options.readerMs);
  }

  #grant(total: number | undefined): void {
    if (total !== undefined) this.clock.setTimeout(() => this.#onGrant(total), this.#options.roundTripMs / 2);
  }

  #onGrant(total: number): void {
    this.#credit.grant(total);
    this.#send();
  }
}

/** 1 Gbit/s. */
const fast = 125_000;

describe("a window", () => {
  it("doubles where the line is so long that the sender runs dry, and is then no longer what holds the stream", () => {
    const line = new Line({ roundTripMs: 100, perMs: fast });
    line.run(500);
    expect(line.size.bytes).toBe(2 * windowBytes);
    expect(line.run(1000)).toBeGreaterThan(19 * windowBytes);
  });

  it("goes on doubling as far as it may", () => {
    const line = new Line({ roundTripMs: 100, perMs: fast, most: 8 * windowBytes });
    line.run(1000);
    expect(line.size.bytes).toBe(8 * windowBytes);
    expect(line.run(1000)).toBeGreaterThan(70 * windowBytes);
    expect(line.mostAhead).toBeLessThanOrEqual(8 * windowBytes + 16 * 1024);
  });

  it("stays within what may be ahead, also where that is little", () => {
    const line = new Line({ roundTripMs: 100, perMs: fast, most: 128 * 1024 });
    line.run(2000);
    expect(line.size.bytes).toBe(128 * 1024);
  });

  it.each([
    ["the line is short", { roundTripMs: 5, perMs: fast }],
    ["the line is busy all the time", { roundTripMs: 20, perMs: 1_250 }],
    ["the line is busy all the time, and an item takes long", { roundTripMs: 20, perMs: 1_250, itemBytes: 65_600 }],
    ["the source is slow", { roundTripMs: 20, perMs: fast, sourceMs: 50, itemBytes: 65_600 }],
    ["the reader is slow", { roundTripMs: 100, perMs: fast, readerMs: 20 }],
  ])("stays as it is where %s", (_, options) => {
    const line = new Line(options);
    line.run(5_000);
    expect(line.size.bytes).toBe(windowBytes);
  });

  it("shrinks while calls are made beside the stream, and wait for it, and is then as it was", () => {
    const line = new Line({ roundTripMs: 0.2, perMs: 12_500, callEveryMs: 50 });
    line.run(1_000);
    expect(line.size.bytes).toBeLessThan(windowBytes / 2);
    expect(line.size.bytes).toBeGreaterThanOrEqual(leastWindowBytes);
    expect(line.run(1_000)).toBeGreaterThan(0.99 * 1_000 * 12_500);
    line.callEvery(Number.POSITIVE_INFINITY);
    line.run(2_000);
    expect(line.size.bytes).toBe(windowBytes);
  });

  it("that has shrunk is enough for a room's fast line", () => {
    const line = new Line({ roundTripMs: 0.2, perMs: fast, callEveryMs: 50 });
    line.run(2_000);
    expect(line.size.bytes).toBe(leastWindowBytes);
    expect(line.run(1_000)).toBeGreaterThan(0.99 * 1_000 * fast);
  });

  it("does not hold the stream more than one that never changes where calls are made and the line is long", () => {
    const line = new Line({ roundTripMs: 100, perMs: fast, callEveryMs: 50 });
    line.run(500);
    expect(line.size.bytes).toBe(windowBytes);
    expect(line.run(1000)).toBeGreaterThan(9 * windowBytes);
  });

  it("that has grown is as it was once calls are made", () => {
    const line = new Line({ roundTripMs: 100, perMs: fast });
    line.run(500);
    line.callEvery(50);
    line.run(500);
    expect(line.size.bytes).toBe(windowBytes);
  });

  it("of a slow line lets less wait before calls, and is used up all the same", () => {
    const line = new Line({ roundTripMs: 20, perMs: 1_250, callEveryMs: 50 });
    line.run(2_000);
    line.mostAhead = 0;
    expect(line.run(2_000)).toBeGreaterThan(0.99 * 2_000 * 1_250);
    expect(line.mostAhead).toBeLessThan(windowBytes / 2);
  });

  it.each([0, 0.5, 1])("lets item after item come where it is to be %d bytes at most", (most) => {
    const window = new StreamWindow(new WindowSize(new StreamLine(new FakeClock(), () => 0), most), 0);
    expect(window.open()).toBe(1);
    window.receive(100_000);
    expect(window.take(100_000)).toBe(100_001);
  });
});
