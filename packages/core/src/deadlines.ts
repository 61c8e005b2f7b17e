import type { Clock, TimerHandle } from "./clock.ts";

/** Something that happens unless it is cancelled first. */
export interface Deadline {
  cancel(): void;
}

/** What hosts can wait for at once; they take a longer delay for 1 ms. */
const maxTimerMs = 2 ** 31 - 1;

/** What a server or a client waits for, and lets go of when it closes. */
export class Deadlines {
  readonly #clock: Omit<Clock, "turn">;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Omit<Clock, "turn">) {
    this.#clock = clock;
  }

  /** How many are waiting. */
  get size(): number {
    return this.#waiting.size;
  }

  /** @param delayMs from now; run late rather than early, and never where it is Infinity. */
  add(delayMs: number, run: () => void): Deadline {
    return new Waiting(this.#waiting, this.#clock, this.#clock.now() + delayMs, run);
  }

  /** Cancels all of them. */
  clear(): void {
    for (const waiting of this.#waiting) waiting.cancel();
  }
}

/** One on a timer of the host's: they are made to be many, and need not look at all that wait whenever one is due. */
class Waiting implements Deadline {
  readonly #all: Set<Waiting>;
  readonly #clock: Omit<Clock, "turn">;
  readonly #at: number;
  readonly #run: () => void;
  #timer: TimerHandle | undefined;

  constructor(all: Set<Waiting>, clock: Omit<Clock, "turn">, at: number, run: () => void) {
    this.#all = all.add(this);
    this.#clock = clock;
    this.#at = at;
    this.#run = run;
    this.#wait(at - clock.now());
  }

  cancel(): void {
    this.#all.delete(this);
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    if (ms < Number.POSITIVE_INFINITY)
      this.#timer = this.#clock.setTimeout(() => this.#onTimer(), Math.min(ms, maxTimerMs));
  }

  /** It may come early: some hosts cut fractions of a ms off. */
  #onTimer(): void {
    const leftMs = this.#at - this.#clock.now();
    if (leftMs > 0) return this.#wait(leftMs);
    this.#all.delete(this);
    this.#run();
  }
}
