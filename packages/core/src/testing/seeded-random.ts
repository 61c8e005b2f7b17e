/**
 * Random numbers that are the same for the same seed, on every host: mulberry32, 32 bits of state, a period of 2^32. Fit for
 * choosing what a test does, for nothing that must not be guessed.
 */
export class SeededRandom {
  #state: number;

  /** @param seed a whole number; 2^32 of them are told apart. */
  constructor(seed: number) {
    this.#state = seed | 0;
    // Seeds in a row would begin alike.
    this.next();
  }

  /** From 0 to 1, without 1. What `createClient` takes as `random`. */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };

  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them. @throws RangeError where there is none. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("nothing to pick from");
    return choices[this.integer(0, choices.length - 1)] as T;
  }
}
