import type { TautlineError } from "@tautline/core";

interface Waiting {
  resolve(result: IteratorResult<unknown, void>): void;
  reject(error: TautlineError): void;
}

/** A subscription read with `for await`. Items wait here until they are asked for; leaving the loop ends the subscription. */
export class SubscriptionIterator implements AsyncIterableIterator<unknown, void> {
  /** Ends the subscription at the server; set by whoever started it. */
  onReturn: () => void = () => {};
  readonly #items: unknown[] = [];
  readonly #waiting: Waiting[] = [];
  #ended = false;
  #error: TautlineError | undefined = undefined;
  #iterated = false;

  [Symbol.asyncIterator](): this {
    if (this.#iterated) throw new Error("a subscription is iterated once: subscribe again for another loop");
    this.#iterated = true;
    return this;
  }

  push(item: unknown): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting.resolve({ done: false, value: item });
  }

  /** No more items; with an error, the loop throws it after the items that have come. */
  end(error?: TautlineError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiting of this.#waiting.splice(0)) this.#finish(waiting);
  }

  next(): Promise<IteratorResult<unknown, void>> {
    if (this.#items.length > 0) return Promise.resolve({ done: false, value: this.#items.shift() });
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      if (this.#ended) this.#finish(waiting);
      else this.#waiting.push(waiting);
    });
  }

  return(): Promise<IteratorResult<unknown, void>> {
    this.#items.length = 0;
    this.#error = undefined;
    this.end();
    this.onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The error is thrown once, as a generator would. */
  #finish(waiting: Waiting): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(error);
  }
}
