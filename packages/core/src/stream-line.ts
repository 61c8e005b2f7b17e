import type { Clock } from "./clock.ts";

/** How long after a call others are expected to make more, in ms. */
const sharedMs = 1000;

/**
 * What streams share with the calls beside them. Calls wait for what is ahead of them, and for what either end is about: while there are
 * any, streams go in smaller pieces, and are less far ahead of their readers. That costs them up to half of their pace within one machine,
 * and nothing on a line that is slower than its ends.
 */
export class StreamLine {
  readonly #clock: Pick<Clock, "now">;
  readonly #countCalls: () => number;
  #calls: number;
  #sharedUntil = Number.NEGATIVE_INFINITY;

  /** @param countCalls grows with each call that is made beside the streams. */
  constructor(clock: Pick<Clock, "now">, countCalls: () => number) {
    this.#clock = clock;
    this.#countCalls = countCalls;
    this.#calls = countCalls();
  }

  now(): number {
    return this.#clock.now();
  }

  /** Whether calls are made beside the streams. */
  get isShared(): boolean {
    const calls = this.#countCalls();
    const now = this.#clock.now();
    if (calls > this.#calls) this.#sharedUntil = now + sharedMs;
    this.#calls = calls;
    return now < this.#sharedUntil;
  }
}
