import type { Clock, TimerHandle } from "./clock.ts";

/** Something that happens unless it is cancelled first. */
export interface Deadline {
  cancel(): void;
}

class Entry implements Deadline {
  readonly at: number;
  readonly run: () => void;
  readonly #entries: Set<Entry>;

  constructor(entries: Set<Entry>, at: number, run: () => void) {
    this.#entries = entries;
    this.at = at;
    this.run = run;
  }

  cancel(): void {
    this.#entries.delete(this);
  }
}

/** Many deadlines on one timer: one object for each server or client, no timer for each call or connection. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();
  #timer: TimerHandle | undefined = undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are waiting. */
  get size(): number {
    return this.#entries.size;
  }

  /** @param delayMs from now; run late rather than early. */
  add(delayMs: number, run: () => void): Deadline {
    const entry = new Entry(this.#entries, this.#clock.now() + delayMs, run);
    this.#entries.add(entry);
    if (entry.at < this.#timerAt) this.#arm(entry.at);
    return entry;
  }

  /** Cancels all of them. */
  clear(): void {
    this.#entries.clear();
    this.#disarm();
  }

  #arm(at: number): void {
    this.#disarm();
    this.#timerAt = at;
    this.#timer = this.#clock.setTimeout(() => this.#onTimer(), Math.max(0, at - this.#clock.now()));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #onTimer(): void {
    this.#disarm();
    const now = this.#clock.now();
    for (const entry of this.#entries) {
      if (entry.at > now) continue;
      this.#entries.delete(entry);
      entry.run();
    }
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries) next = Math.min(next, entry.at);
    if (next < this.#timerAt) this.#arm(next);
  }
}
