import { TautlineError } from "@tautline/core";
import type { Deadline, Deadlines } from "@tautline/core/internals";
import { unavailable } from "./redis-error.ts";

export interface PublishLimits {
  /** Publishes that wait. */
  readonly maxWaiting: number;
  /** Their texts together, in UTF-16 units. */
  readonly maxWaitingLength: number;
}

interface Waiting {
  readonly deadline: Deadline;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Publishes that wait, for the server or for its answer: no more than a bound, and each no longer than it likes. */
export class Publishes {
  readonly #limits: PublishLimits;
  readonly #deadlines: Deadlines;
  readonly #host: { isReady(): boolean; now(): number };
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  #failure: Error | undefined = undefined;
  #count = 0;
  #length = 0;

  constructor(limits: PublishLimits, deadlines: Deadlines, host: { isReady(): boolean; now(): number }) {
    this.#limits = limits;
    this.#deadlines = deadlines;
    this.#host = host;
  }

  /** Counts a publish until `onSettled`. @throws TautlineError `SERVICE_UNAVAILABLE` where there are too many. */
  onBegun(length: number): void {
    const { maxWaiting, maxWaitingLength } = this.#limits;
    if (this.#count >= maxWaiting || (this.#count > 0 && this.#length + length > maxWaitingLength))
      throw new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "too much waits for Redis" });
    this.#count++;
    this.#length += length;
  }

  onSettled(length: number): void {
    this.#count--;
    this.#length -= length;
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
    await new Promise<void>((resolve, reject) => {
      const deadline = this.#deadlines.add(until - this.#host.now(), () => {
        this.#waiting.delete(waiting);
        reject(unavailable());
      });
      const waiting = { deadline, resolve, reject };
      this.#waiting.add(waiting);
    });
  }

  /** The server is back: all go on, in their order. */
  onReady(): void {
    for (const waiting of this.#take()) waiting.resolve();
  }

  /** None goes on, now or later. */
  fail(error: Error): void {
    this.#failure = error;
    for (const waiting of this.#take()) waiting.reject(error);
  }

  #take(): Waiting[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const { deadline } of all) deadline.cancel();
    return all;
  }
}
