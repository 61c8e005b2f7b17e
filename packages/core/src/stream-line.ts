import type { Clock } from "./clock.ts";

/** How long after a call, or an item, more of them are expected, in ms. */
const sharedMs = 1000;

/**
 * What streams share with the calls beside them, and the items of subscriptions. These wait for what is ahead of them, and for what either
 * end is about: while there are any, streams go in smaller pieces, and are less far ahead of their readers. That costs them up to half of their pace within one machine,
 * and nothing on a line that is slower than its ends.
 */
export class StreamLine {
  readonly #clock: Pick<Clock, "now">;
  readonly #countOthers: () => number;
  #others: number;
  #sharedUntil = Number.NEGATIVE_INFINITY;

  /** @param countOthers grows with each call that is made beside the streams, and each item. */
  constructor(clock: Pick<Clock, "now">, countOthers: () => number) {
    this.#clock = clock;
    this.#countOthers = countOthers;
    this.#others = countOthers();
  }

  now(): number {
    return this.#clock.now();
  }

  /** Whether there are others beside the streams. */
  get isShared(): boolean {
    const others = this.#countOthers();
    const now = this.#clock.now();
    if (others > this.#others) this.#sharedUntil = now + sharedMs;
    this.#others = others;
    return now < this.#sharedUntil;
  }
}
