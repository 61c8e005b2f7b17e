import type { Clock, TimerHandle } from "../clock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** What hosts can wait for; they take anything longer for 1 ms (HTML, "timer initialisation steps"; Node's `setTimeout`). */
const maxDelayMs = 2 ** 31 - 1;

/** Time that stands still until it is told to pass. Starts at 0. */
export class FakeClock implements Clock {
  #now = 0;
  #lastHandle = 0;
  readonly #timers = new Map<unknown, Timer>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, delayMs: number): TimerHandle {
    const handle = ++this.#lastHandle;
    this.#timers.set(handle, { at: this.#now + (delayMs > maxDelayMs ? 1 : Math.max(0, delayMs)), run });
    // Whatever the host's handles are, only this clock looks at its own.
    return handle as unknown as TimerHandle;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle);
  }

  /** Resolves in the next `advance`, which may be `advance(0)`. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.setTimeout(resolve, 0);
    });
  }

  /** Timers that are set. 0 at the end of a test says that none was left behind. */
  get timers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in ms; undefined where none is set. */
  get nextAt(): number | undefined {
    return this.#next()?.[1].at;
  }

  /**
   * Lets `ms` pass, and runs what becomes due meanwhile in its order: by time, then as it was set. Microtasks run only after it
   * has returned. What a timer throws is thrown here, with the rest of the time still to pass.
   */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#next(); next !== undefined && next[1].at <= until; next = this.#next()) {
      const [handle, timer] = next;
      this.#timers.delete(handle);
      this.#now = timer.at;
      timer.run();
    }
    this.#now = until;
  }

  #next(): [handle: unknown, timer: Timer] | undefined {
    let next: [handle: unknown, timer: Timer] | undefined;
    for (const entry of this.#timers) if (next === undefined || entry[1].at < next[1].at) next = entry;
    return next;
  }
}
