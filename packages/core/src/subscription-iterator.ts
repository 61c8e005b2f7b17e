import type { TautlineError } from "./errors.ts";

interface Waiting {
  readonly resolve: (result: IteratorResult<unknown, void>) => void;
  readonly reject: (error: TautlineError) => void;
}

/** A subscription read with `for await`. Items wait here until they are asked for; leaving the loop ends the subscription. */
export class SubscriptionIterator implements AsyncIterableIterator<unknown, void> {
  /** Ends the subscription at the other end; set by whoever started it. */
  onReturn: (() => void) | undefined = undefined;
  /** Whether something may be missing right before the item that was handed out last. */
  gap = false;
  readonly #items: { readonly value: unknown; readonly gap: boolean; readonly take: () => void }[] = [];
  readonly #waiting: Waiting[] = [];
  #gap = false;
  #ended = false;
  /** Thrown once, after the items that have come. */
  #error: TautlineError | undefined = undefined;

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @param take is called when the item is handed out. */
  push(value: unknown, take: () => void): void {
    this.#items.push({ value, gap: this.#gap, take });
    this.#gap = false;
    this.#hand();
  }

  /** Before the next item something may be missing. */
  mark(): void {
    this.#gap = true;
  }

  /** No more items; with an error, the loop throws it. */
  end(error?: TautlineError): void {
    this.#ended = true;
    this.#error = error;
    this.#hand();
  }

  next(): Promise<IteratorResult<unknown, void>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#hand();
    });
  }

  return(): Promise<IteratorResult<unknown, void>> {
    this.onReturn?.();
    this.#items.length = 0;
    this.end();
    return this.next();
  }

  #hand(): void {
    while (this.#waiting.length > 0 && (this.#items.length > 0 || this.#ended)) {
      const { resolve, reject } = this.#waiting.shift() as Waiting;
      const item = this.#items.shift();
      if (item !== undefined) {
        this.gap = item.gap;
        item.take();
        resolve({ done: false, value: item.value });
      } else if (this.#error !== undefined) {
        reject(this.#error);
        this.#error = undefined;
      } else resolve({ done: true, value: undefined });
    }
  }
}
