/** How long an event loop was held at most. */
export interface LoopDelay {
  /** By the clock. */
  readonly wallMs: number;
  /**
   * The same, but for the time in which the process did not run since other programs did: the longest delay, or the CPU time that
   * the process used in it where that is less.
   */
  readonly ownMs: number;
}

const periodMs = 5;

/** Watches this process's event loop with a timer that should fire every 5 ms. */
export class LoopWatch {
  #wallMs = 0;
  #ownMs = 0;
  #last = performance.now();
  #lastCpu = process.cpuUsage();

  constructor() {
    setInterval(() => this.#tick(), periodMs).unref();
  }

  /** Forgets what was. */
  reset(): void {
    this.#wallMs = 0;
    this.#ownMs = 0;
    this.#last = performance.now();
    this.#lastCpu = process.cpuUsage();
  }

  read(): LoopDelay {
    this.#tick();
    return { wallMs: this.#wallMs, ownMs: this.#ownMs };
  }

  #tick(): void {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.#lastCpu);
    const wallMs = Math.max(0, now - this.#last - periodMs);
    this.#wallMs = Math.max(this.#wallMs, wallMs);
    this.#ownMs = Math.max(this.#ownMs, Math.min(wallMs, (user + system) / 1000));
    this.#last = now;
    this.#lastCpu = process.cpuUsage();
  }
}
