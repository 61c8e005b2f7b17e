import { randomUUID } from "node:crypto";
import type { CallOutcome, IncomingCall } from "@tautline/core/internals";

/**
 * Remembers what mutations came to, so that one whose answer was lost with its session can be sent again and is run once at most.
 * Servers that may see the same client share one.
 */
export interface IdempotencyStore {
  /**
   * Names what is stored: a client sends a mutation again only where it finds the same name. Read whenever a client is welcomed;
   * another one from when what was stored is lost, undefined while nobody knows.
   */
  readonly name: string | undefined;
  /**
   * How long an outcome is kept after it is known, in ms. A client does not send a mutation again when half of that has passed since
   * it was last online. Left out: outcomes are kept for as long as the name stands.
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
   * @param again where the client sends the mutation again: the name that it was told. What another name stood for is lost.
   */
  claim(key: string, again?: string): Promise<CallOutcome | undefined>;
  settle(key: string, outcome: CallOutcome): Promise<void>;
}

export interface MemoryIdempotencyOptions {
  /** How long an outcome is kept after it is known, in ms. Default 300,000. */
  readonly keepMs?: number;
  /** How many mutations are remembered, running ones among them; the oldest outcomes are forgotten first. Default 100,000. */
  readonly maxEntries?: number;
  /** Milliseconds that never run backwards, for tests. Default performance.now. */
  readonly now?: () => number;
}

interface Entry {
  readonly outcome: Promise<CallOutcome>;
  readonly resolve: (outcome: CallOutcome) => void;
  /** When it is forgotten; undefined while the mutation runs. */
  until: number | undefined;
}

/** A store in this process. What it knows is gone with it, and its name too: then a client's mutation is `OUTCOME_UNKNOWN`. */
export function memoryIdempotencyStore(options: MemoryIdempotencyOptions = {}): IdempotencyStore {
  return new MemoryIdempotencyStore(options);
}

class MemoryIdempotencyStore implements IdempotencyStore {
  readonly name: string = randomUUID();
  readonly keepMs: number;
  readonly #maxEntries: number;
  readonly #now: () => number;
  readonly #running = new Map<string, Entry>();
  /** In the order in which they were settled. */
  readonly #settled = new Map<string, Entry>();

  constructor({ keepMs = 300_000, maxEntries = 100_000, now = () => performance.now() }: MemoryIdempotencyOptions) {
    this.keepMs = keepMs;
    this.#maxEntries = maxEntries;
    this.#now = now;
  }

  claim(key: string): Promise<CallOutcome | undefined> {
    this.#forgetExpired();
    const entry = this.#running.get(key) ?? this.#settled.get(key);
    if (entry !== undefined) return entry.outcome;
    this.#makeRoom();
    let resolve: (outcome: CallOutcome) => void = () => {};
    const outcome = new Promise<CallOutcome>((settle) => {
      resolve = settle;
    });
    this.#running.set(key, { outcome, resolve, until: undefined });
    return Promise.resolve(undefined);
  }

  settle(key: string, outcome: CallOutcome): Promise<void> {
    const entry = this.#running.get(key);
    if (entry !== undefined) {
      this.#running.delete(key);
      entry.until = this.#now() + this.keepMs;
      this.#settled.set(key, entry);
      entry.resolve(outcome);
    }
    return Promise.resolve();
  }

  #forgetExpired(): void {
    const now = this.#now();
    for (const [key, { until = 0 }] of this.#settled) {
      if (until > now) return;
      this.#settled.delete(key);
    }
  }

  #makeRoom(): void {
    for (const key of this.#settled.keys()) {
      if (this.#running.size + this.#settled.size < this.#maxEntries) return;
      this.#settled.delete(key);
    }
  }
}

/**
 * Runs a mutation where nobody has yet, and answers it with what the store knows where somebody has. Rejects where the store does;
 * `onUntold` hears why an outcome was not taken.
 */
export async function runOnce(
  store: IdempotencyStore,
  { key, again }: { readonly key: string; readonly again: string | undefined },
  call: IncomingCall,
  run: () => void,
  onUntold: (error: unknown) => void,
): Promise<void> {
  const outcome = await store.claim(key, again);
  if (outcome === undefined) {
    // Also when its caller is gone: it may ask again.
    call.keepRunning((own) => void store.settle(key, own).catch(onUntold));
    run();
  } else if (outcome.ok) call.sendResult(outcome.value);
  else call.sendError(outcome.shape);
}
