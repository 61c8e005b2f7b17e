import type { Clock, TimerHandle } from "./clock.ts";

/** Something that happens unless it is cancelled first. */
export interface Deadline {
  cancel(): void;
}

interface Entry extends Deadline {
  readonly at: number;
  readonly run: () => void;
}

/** What hosts can wait for at once; they take a longer delay for 1 ms. */
const maxTimerMs = 2 ** 31 - 1;

/** Many deadlines on one timer: one object for each server or client, no timer for each call or connection. */
export class Deadlines {
  readonly #clock: Omit<Clock, "turn">;
  readonly #entries = new Set<Entry>();
  #timer: TimerHandle | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Omit<Clock, "turn">) {
    this.#clock = clock;
  }

  /** How many are waiting. */
  get size(): number {
    return this.#entries.size;
  }

  /** @param delayMs from now; run late rather than early, and never where it is Infinity. */
  add(delayMs: number, run: () => void): Deadline {
    const entry: Entry = { at: this.#clock.now() + delayMs, run, cancel: () => this.#cancel(entry) };
    this.#entries.add(entry);
    this.#armFor(entry);
    return entry;
  }

  /** Cancels all of them. */
  clear(): void {
    this.#entries.clear();
    this.#disarm();
  }

  /** A timer that waits for nothing would keep the process alive. */
  #cancel(entry: Entry): void {
    this.#entries.delete(entry);
    if (this.#entries.size === 0) this.#disarm();
  }

  #armFor({ at }: Entry): void {
    if (at >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = at;
    const delayMs = Math.min(Math.max(0, at - this.#clock.now()), maxTimerMs);
    this.#timer = this.#clock.setTimeout(() => this.#onTimer(), delayMs);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #onTimer(): void {
    this.#disarm();
    const now = this.#clock.now();
    try {
      for (const entry of this.#entries) {
        if (entry.at > now) continue;
        this.#entries.delete(entry);
        entry.run();
      }
    } finally {
      for (const entry of this.#entries) this.#armFor(entry);
    }
  }
}
