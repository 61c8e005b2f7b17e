import type { Deadlines } from "@tautline/core/internals";
import { TRPCError } from "@trpc/server";

/** Credentials of one connection that wait for their turn. */
const maxWaiting = 16;

/** Contexts made anew from newer credentials: one at a time, in their order, each within a time. */
export class ContextRenewals {
  readonly #deadlines: Deadlines;
  readonly #timeoutMs: number;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(deadlines: Deadlines, timeoutMs: number) {
    this.#deadlines = deadlines;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether no more are taken for now. */
  get full(): boolean {
    return this.#waiting >= maxWaiting;
  }

  /**
   * @param create makes the context.
   * @param take takes it; what it throws goes to `refuse` too.
   */
  add(create: () => unknown, take: (ctx: unknown) => void, refuse: (thrown: unknown) => void): void {
    this.#waiting++;
    this.#last = this.#last
      .then(() => this.#inTime(create))
      .then(take)
      .then(undefined, refuse)
      .finally(() => {
        this.#waiting--;
      });
  }

  #inTime(create: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const deadline = this.#deadlines.add(this.#timeoutMs, () => reject(new TRPCError({ code: "TIMEOUT" })));
      const end = (settle: (value: unknown) => void) => (value: unknown) => {
        deadline.cancel();
        settle(value);
      };
      new Promise((made) => made(create())).then(end(resolve), end(reject));
    });
  }
}
