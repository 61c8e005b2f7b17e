import type { Deadline, Deadlines } from "@tautline/core/internals";
import { unavailable } from "./redis-error.ts";

interface Waiting {
  readonly deadline: Deadline;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Whoever waits for the server. */
export class Readiness {
  readonly #host: { isReady(): boolean; now(): number };
  readonly #deadlines: Deadlines;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  readonly #pausing = new Set<Waiting>();
  #failure: Error | undefined = undefined;

  constructor(deadlines: Deadlines, host: { isReady(): boolean; now(): number }) {
    this.#deadlines = deadlines;
    this.#host = host;
  }

  /** When so many ms are over. */
  after(waitMs: number): number {
    return this.#host.now() + waitMs;
  }

  /** Whether it is too late to wait. */
  isOver(until: number): boolean {
    return this.#host.now() >= until;
  }

  /** Resolves when the server is there. @throws TautlineError `SERVICE_UNAVAILABLE` where that takes longer than `until`. */
  async whenReady(until: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#host.isReady()) return;
    if (this.isOver(until)) throw unavailable();
    await this.#wait(this.#waiting, until - this.#host.now(), (waiting) => waiting.reject(unavailable()));
  }

  /** Resolves after some time, whether the server is there or not. */
  async pause(ms: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#wait(this.#pausing, ms, (waiting) => waiting.resolve());
  }

  /** The server is back: all go on, in their order. */
  onReady(): void {
    for (const waiting of take(this.#waiting)) waiting.resolve();
  }

  /** None goes on, now or later. */
  fail(error: Error): void {
    this.#failure = error;
    for (const waiting of [...take(this.#waiting), ...take(this.#pausing)]) waiting.reject(error);
  }

  #wait(all: Set<Waiting>, ms: number, onOver: (waiting: Waiting) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = this.#deadlines.add(ms, () => {
        all.delete(waiting);
        onOver(waiting);
      });
      const waiting = { deadline, resolve, reject };
      all.add(waiting);
    });
  }
}

function take(all: Set<Waiting>): Waiting[] {
  const taken = [...all];
  all.clear();
  for (const { deadline } of taken) deadline.cancel();
  return taken;
}
