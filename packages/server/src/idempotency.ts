import { randomUUID } from "node:crypto";
import type { CallOutcome } from "@tautline/core/internals";
import { outcomeUnknown } from "./outcome-unknown.ts";

/**
 * Remembers what mutations came to, so that one whose answer was lost with its session can be sent again and is run once at most.
 * Servers that may see the same client share one.
 */
export interface IdempotencyStore {
  /**
   * Names what is stored; another one from when what was stored is lost, undefined while nobody knows. Read whenever a client is
   * welcomed, and whenever a mutation is sent again.
   */
  readonly name: string | undefined;
  /**
   * How long an outcome is kept after it is known, in ms. A mutation that is sent again when half of that has passed since it was sent
   * first is asked for, and not run. Left out: outcomes are kept for as long as the name stands.
   */
  readonly keepMs?: number | undefined;
  /**
   * Resolves when the name is known, or when that takes too long; never rejects. `serve` waits for it before it takes clients: those
   * of a server that has died would not find the name, and would not send their mutations again. Default: it is known at once.
   */
  ready?(): Promise<void>;
  /**
   * Claims a key. Whoever is first gets undefined, runs the mutation and calls `settle`; everybody after gets the outcome, when
   * there is one. A rejection fails the call, and nothing is run then: with a TautlineError `OUTCOME_UNKNOWN` where the mutation may
   * have been run, and nobody knows any more what it came to.
   *
   * @param again where the mutation is sent again: the name under which it was sent first. Under a name that is not the store's it is
   *   not claimed: where nothing is known of it, the claim is rejected with `OUTCOME_UNKNOWN`.
   */
  claim(key: string, again?: string): Promise<CallOutcome | undefined>;
  settle(key: string, outcome: CallOutcome): Promise<void>;
}

export interface MemoryIdempotencyOptions {
  /** How long an outcome is kept after it is known, in ms. Default 300,000. */
  readonly keepMs?: number;
  /**
   * How many mutations are remembered, running ones among them; the oldest outcomes are forgotten first, and what is sent again then is
   * `OUTCOME_UNKNOWN` sooner. Default 100,000.
   */
  readonly maxEntries?: number;
  /** Milliseconds that never run backwards, for tests. Default performance.now. */
  readonly now?: () => number;
}

interface Entry {
  readonly outcome: Promise<CallOutcome>;
  readonly resolve: (outcome: CallOutcome) => void;
  /** When the outcome was known; undefined while the mutation runs. */
  settledAt: number | undefined;
}

/** A store in this process. What it knows is gone with it, and its name too: then a client's mutation is `OUTCOME_UNKNOWN`. */
export function memoryIdempotencyStore(options: MemoryIdempotencyOptions = {}): IdempotencyStore {
  return new MemoryIdempotencyStore(options);
}

class MemoryIdempotencyStore implements IdempotencyStore {
  readonly name: string = randomUUID();
  readonly #keepMs: number;
  readonly #maxEntries: number;
  readonly #now: () => number;
  readonly #running = new Map<string, Entry>();
  /** In the order in which they were settled. */
  readonly #settled = new Map<string, Entry>();

  /** When the last outcome was known that there was no room for. */
  #crowdedOutAt = Number.NEGATIVE_INFINITY;

  constructor({ keepMs = 300_000, maxEntries = 100_000, now = () => performance.now() }: MemoryIdempotencyOptions) {
    this.#keepMs = keepMs;
    this.#maxEntries = maxEntries;
    this.#now = now;
  }

  get keepMs(): number {
    return Math.min(this.#keepMs, this.#now() - this.#crowdedOutAt);
  }

  claim(key: string, again: string = this.name): Promise<CallOutcome | undefined> {
    this.#forgetExpired();
    const entry = this.#running.get(key) ?? this.#settled.get(key);
    if (entry !== undefined) return entry.outcome;
    if (again !== this.name) return Promise.reject(outcomeUnknown());
    this.#makeRoom();
    let resolve: (outcome: CallOutcome) => void = () => {};
    const outcome = new Promise<CallOutcome>((settle) => {
      resolve = settle;
    });
    this.#running.set(key, { outcome, resolve, settledAt: undefined });
    return Promise.resolve(undefined);
  }

  settle(key: string, outcome: CallOutcome): Promise<void> {
    const entry = this.#running.get(key);
    if (entry !== undefined) {
      this.#running.delete(key);
      entry.settledAt = this.#now();
      this.#settled.set(key, entry);
      entry.resolve(outcome);
    }
    return Promise.resolve();
  }

  #forgetExpired(): void {
    const now = this.#now();
    for (const [key, { settledAt = now }] of this.#settled) {
      if (settledAt + this.#keepMs > now) return;
      this.#settled.delete(key);
    }
  }

  #makeRoom(): void {
    for (const [key, { settledAt = this.#now() }] of this.#settled) {
      if (this.#running.size + this.#settled.size < this.#maxEntries) return;
      this.#settled.delete(key);
      this.#crowdedOutAt = settledAt;
    }
  }
}
