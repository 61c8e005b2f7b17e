import { describe, expect, test } from "vitest";
import { costOf } from "./credit.ts";
import { TautlineError } from "./errors.ts";
import { IncomingStream, type StreamReader } from "./incoming-stream.ts";
import { StreamBudget } from "./stream-budget.ts";
import { StreamLine } from "./stream-line.ts";
import { FakeClock } from "./testing/index.ts";
import { SeededRandom } from "./testing/seeded-random.ts";
import { WindowSize } from "./window-size.ts";

const window = 10_000;
const itemLength = 2_000;

/** Streams of one session, and what their sender was told. */
class Setup {
  readonly budget: StreamBudget;
  readonly streams: IncomingStream[] = [];
  /** What was granted of each, in all. */
  readonly granted: number[] = [];
  /** What was sent of each. */
  readonly sent: number[] = [];

  constructor(windows: number) {
    this.budget = new StreamBudget(windows * window, window);
  }

  open(count: number): void {
    for (let opened = 0; opened < count; opened++) {
      const number = this.streams.length;
      this.granted[number] = 0;
      this.sent[number] = 0;
      const reader: StreamReader = {
        sendCredit: (stream, total) => {
          expect(total).toBeGreaterThan(this.granted[stream] ?? 0);
          this.granted[stream] = total;
        },
        sendStop: () => {},
        read: (value) => value,
        onTaken: () => {},
        onOver: () => {},
      };
      this.streams.push(
        new IncomingStream(reader, {
          number,
          size: undefined,
          window: new WindowSize(new StreamLine(new FakeClock(), () => 0), window),
          granted: 0,
          budget: this.budget,
        }),
      );
    }
  }

  /** Sends of a stream what there is credit for. Returns how many items that was. */
  send(number: number): number {
    let items = 0;
    for (; (this.sent[number] ?? 0) < (this.granted[number] ?? 0); items++) {
      this.sent[number] = (this.sent[number] ?? 0) + costOf(itemLength);
      this.streams[number]?.onItem(this.sent[number], itemLength);
    }
    return items;
  }
}

describe("streams that share a budget", () => {
  test("have their windows, as many as there are; the others are granted nothing", () => {
    const setup = new Setup(2);
    setup.open(4);
    expect(setup.granted).toEqual([window, window, 0, 0]);
  });

  test("that found no window come item by item, as often as their readers wait for one", async () => {
    const setup = new Setup(1);
    setup.open(2);
    const [, narrow] = setup.streams;
    for (let item = 1; item <= 20; item++) {
      expect(setup.send(1)).toBe(0);
      const next = narrow?.next();
      expect(setup.send(1)).toBe(1);
      expect(await next).toEqual({ done: false, value: item * itemLength });
    }
  });

  test("and whose readers ask for several at once are granted one after the other", async () => {
    const setup = new Setup(1);
    setup.open(2);
    const [, narrow] = setup.streams;
    if (narrow === undefined) throw new Error("there are two");
    const items = [narrow.next(), narrow.next(), narrow.next()];
    expect(setup.granted[1]).toBe(1);
    expect(setup.send(1)).toBe(3);
    expect((await Promise.all(items)).map(({ value }) => value)).toEqual([2_000, 4_000, 6_000]);
  });

  test("get a window when another is over and read to its end; the one that waits longest is first", async () => {
    const setup = new Setup(1);
    setup.open(3);
    const [first] = setup.streams;
    setup.send(0);
    first?.close();
    // What it has sent is still kept.
    expect(setup.granted[1]).toBe(0);
    for (let item = 0; item < window / itemLength; item++) await first?.next();
    expect(setup.granted).toEqual([window, window, 0]);
    expect((await first?.next())?.done).toBe(true);
    expect(setup.granted).toEqual([window, window, 0]);
  });

  test("get that of a reader that leaves, that of one that is refused, and that of a call that is over", async () => {
    const setup = new Setup(1);
    setup.open(5);
    setup.send(0);
    await setup.streams[0]?.return();
    expect(setup.granted.slice(1)).toEqual([window, 0, 0, 0]);
    setup.streams[1]?.refuse(new TautlineError({ code: "PAYLOAD_TOO_LARGE" }));
    expect(setup.granted.slice(2)).toEqual([window, 0, 0]);
    setup.send(2);
    setup.streams[2]?.close();
    setup.streams[2]?.release();
    setup.streams[2]?.release();
    expect(setup.granted.slice(3)).toEqual([window, 0]);
  });

  test("do not wait for a window once they are over", () => {
    const setup = new Setup(1);
    setup.open(3);
    setup.streams[1]?.close();
    setup.streams[0]?.close();
    expect(setup.granted).toEqual([window, 0, window]);
  });

  test("go on with a window where they came item by item, and lose nothing", async () => {
    const setup = new Setup(1);
    setup.open(2);
    const next = setup.streams[1]?.next();
    setup.send(1);
    await next;
    await setup.streams[0]?.return();
    expect(setup.granted[1]).toBe(itemLength + window);
    expect(setup.send(1)).toBe(window / itemLength);
    for (let item = 2; item <= 6; item++) expect((await setup.streams[1]?.next())?.value).toBe(item * itemLength);
  });

  test("keep no more than the budget, and an item for each window, whatever they and their readers do", async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new SeededRandom(seed);
      const setup = new Setup(3);
      const kept = new Map<number, number>();
      const over = new Set<number>();
      for (let step = 0; step < 200; step++) {
        const number = random.integer(0, Math.max(0, setup.streams.length - 1));
        const stream = setup.streams[number];
        const act = random.integer(0, 9);
        if (act < 2 || stream === undefined) setup.open(1);
        else if (act < 6) kept.set(number, (kept.get(number) ?? 0) + (over.has(number) ? 0 : setup.send(number)));
        else if (act === 6) {
          stream.close();
          over.add(number);
        } else if (act === 7) {
          await stream.return();
          over.add(number);
          kept.set(number, 0);
        } else if ((kept.get(number) ?? 0) > 0) {
          await stream.next();
          kept.set(number, (kept.get(number) ?? 0) - 1);
        }
        const total = [...kept.values()].reduce((sum, items) => sum + items, 0) * itemLength;
        expect(total, `seed ${seed}`).toBeLessThanOrEqual(3 * (window + itemLength));
      }
    }
  });

  test("have one window at least, and all of them where it is off", () => {
    const least = new Setup(0);
    least.open(2);
    expect(least.granted).toEqual([window, 0]);
    const off = new Setup(Number.POSITIVE_INFINITY);
    off.open(1_000);
    expect(off.granted.every((total) => total === window)).toBe(true);
  });
});
