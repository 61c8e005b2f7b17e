import type { TautlineError } from "./errors.ts";

type Result = IteratorResult<unknown, void>;

/** A subscription read with `for await`. Items wait here until they are asked for; leaving the loop ends the subscription. */
export class SubscriptionIterator implements AsyncIterableIterator<unknown, void> {
  /** Ends the subscription at the other end; set by whoever started it. */
  onReturn: (() => void) | undefined = undefined;
  /** Whether something may be missing right before the item that was handed out last. */
  gap = false;
  /** What is still to be handed out: items, and at last an error. */
  readonly #results: (() => Result | Promise<never>)[] = [];
  readonly #waiting: ((result: Result | Promise<never>) => void)[] = [];
  #gap = false;
  #ended = false;

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @param take is called when the item is handed out. */
  push(value: unknown, take: () => void): void {
    const gap = this.#gap;
    this.#gap = false;
    this.#results.push(() => {
      this.gap = gap;
      take();
      return { done: false, value };
    });
    this.#hand();
  }

  /** Before the next item something may be missing. */
  mark(): void {
    this.#gap = true;
  }

  /** No more items; with an error, the loop throws it. */
  end(error?: TautlineError): void {
    if (error !== undefined) this.#results.push(() => Promise.reject(error));
    this.#ended = true;
    this.#hand();
  }

  next(): Promise<Result> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#hand();
    });
  }

  return(): Promise<Result> {
    this.onReturn?.();
    this.#results.length = 0;
    this.end();
    return this.next();
  }

  #hand(): void {
    while (this.#waiting.length > 0 && (this.#results.length > 0 || this.#ended)) {
      this.#waiting.shift()?.((this.#results.shift() ?? done)());
    }
  }
}

const done = (): Result => ({ done: true, value: undefined });
