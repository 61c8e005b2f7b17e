import { type TrackedEnvelope, tracked } from "@trpc/server";
import type { TopicItem } from "./feed-entry.ts";
import { Gap } from "./gap.ts";
import type { ReadPlan, ReadReceiver } from "./read-plan.ts";
import { isThenable } from "./thenable.ts";
import { TopicReader } from "./topic-reader.ts";

type Result = IteratorResult<TrackedEnvelope<unknown>, void>;

interface Waiting {
  readonly resolve: (result: Result | Promise<Result>) => void;
  readonly reject: (error: unknown) => void;
}

/** A reading for `for await`, and for tRPC's own adapters. It has no word for gaps: where they are not to be passed over, `onGap` says so. */
export class TopicIterator implements AsyncIterableIterator<TrackedEnvelope<unknown>, void>, ReadReceiver {
  readonly #reader: TopicReader;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end(undefined);
  readonly #waiting: Waiting[] = [];
  #ended = false;
  /** Thrown once. */
  #error: unknown = undefined;

  constructor(plan: ReadPlan) {
    this.#reader = new TopicReader(plan, this, plan.options.after ?? undefined);
    this.#signal = plan.options.signal;
    if (this.#signal?.aborted === true) this.#ended = true;
    else this.#open();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#hand();
    });
  }

  return(): Promise<Result> {
    this.#end(undefined);
    return this.next();
  }

  onStarted(): void {}

  onReady(): void {
    this.#hand();
  }

  onEnded(error: unknown): void {
    this.#end(error);
  }

  #open(): void {
    this.#signal?.addEventListener("abort", this.#onAbort);
    this.#reader.open();
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#reader.close();
    this.#hand();
  }

  #hand(): void {
    while (this.#waiting.length > 0) {
      const item = this.#ended ? undefined : this.#take();
      if (item === undefined && !this.#ended) return;
      // Taking may have ended it, and told whoever waited.
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      if (item !== undefined) waiting.resolve(toResult(item));
      else this.#settle(waiting);
    }
  }

  #take(): TopicItem | undefined {
    let next = this.#reader.take();
    while (next instanceof Gap) next = this.#reader.take();
    return next;
  }

  #settle({ resolve, reject }: Waiting): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) resolve({ done: true, value: undefined });
    else reject(error);
  }
}

function toResult({ id, data }: TopicItem): Result | Promise<Result> {
  if (!isThenable(data)) return { done: false, value: tracked(id, data) };
  return Promise.resolve(data).then((value) => ({ done: false, value: tracked(id, value) }));
}
