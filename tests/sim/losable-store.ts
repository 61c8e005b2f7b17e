import type { CallOutcome } from "@tautline/core/internals";
import { type IdempotencyStore, type MemoryIdempotencyOptions, memoryIdempotencyStore } from "@tautline/server";

/** A store that loses all that it knew, as a database does that is flushed. */
export class LosableStore implements IdempotencyStore {
  readonly #options: MemoryIdempotencyOptions;
  readonly #claimed = new Map<string, IdempotencyStore>();
  #now: IdempotencyStore;

  constructor(options: MemoryIdempotencyOptions) {
    this.#options = options;
    this.#now = memoryIdempotencyStore(options);
  }

  get name(): string | undefined {
    return this.#now.name;
  }

  get keepMs(): number | undefined {
    return this.#now.keepMs;
  }

  lose(): void {
    this.#now = memoryIdempotencyStore(this.#options);
  }

  async claim(key: string, again?: string): Promise<CallOutcome | undefined> {
    const store = this.#now;
    const outcome = await store.claim(key, again);
    if (outcome === undefined) this.#claimed.set(key, store);
    return outcome;
  }

  async settle(key: string, outcome: CallOutcome): Promise<void> {
    await this.#claimed.get(key)?.settle(key, outcome);
  }
}
