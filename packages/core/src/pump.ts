import type { Clock } from "./clock.ts";
import { costOf } from "./credit.ts";
import { leastItemCost } from "./options.ts";

/** Where items go: a call that is a subscription, or a stream. */
export interface PumpTarget {
  /** Whether nothing more is to be sent. */
  readonly settled: boolean;
  /** Called once when nobody waits for items any more. */
  onAborted: (() => void) | undefined;
  sendStarted(): void;
  sendEnd(): void;
  /** Resolves when the reader and the connection take more; undefined while they do. */
  ready(): Promise<void> | undefined;
}

/** After so much, 256 small items, the rest of the process gets its turn: a source that is always ready starves it otherwise. */
const costPerTurn = 256 * leastItemCost;

export interface PumpOptions {
  readonly target: PumpTarget;
  readonly source: AsyncIterable<unknown>;
  readonly clock: Pick<Clock, "turn">;
  /** Sends one item, and returns the length of its frame. What it throws ends the source. */
  readonly onItem: (item: unknown) => number;
  /** The source, or `onItem`, has thrown. Also called when the source throws while it is being stopped. */
  readonly onError: (error: unknown) => void;
}

/**
 * Moves items from an async iterable to a target: one at a time, no faster than they are taken, ended when the target is aborted. No
 * promises of its own: a subscription that waits costs its source and this object.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #iterator: AsyncIterator<unknown>;
  readonly #onNext: (result: IteratorResult<unknown>) => void;
  readonly #onThrown: (error: unknown) => void;
  /** What was sent since the rest of the process had its turn. */
  #cost = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#iterator = options.source[Symbol.asyncIterator]();
    this.#onNext = (result) => this.#take(result);
    this.#onThrown = (error) => options.onError(error);
  }

  start(): void {
    const { target } = this.#options;
    if (target.settled) return this.#stop();
    target.onAborted = () => this.#stop();
    target.sendStarted();
    this.#pull();
  }

  #pull(): void {
    const { target } = this.#options;
    if (target.settled) return;
    const wait = target.ready() ?? (this.#cost >= costPerTurn ? this.#turn() : undefined);
    if (wait === undefined) this.#next();
    else wait.then(() => this.#pull(), this.#onThrown);
  }

  #turn(): Promise<void> {
    this.#cost = 0;
    return this.#options.clock.turn();
  }

  #next(): void {
    // A source may be an iterator of somebody's own that throws instead of rejecting.
    try {
      this.#iterator.next().then(this.#onNext, this.#onThrown);
    } catch (error) {
      this.#onThrown(error);
    }
  }

  #take(result: IteratorResult<unknown>): void {
    const { target, onItem, onError } = this.#options;
    if (target.settled) return;
    // An iterator of somebody's own may give anything, and nobody awaits this.
    try {
      if (result.done === true) return target.sendEnd();
      this.#cost += costOf(onItem(result.value));
    } catch (error) {
      onError(error);
      return this.#stop();
    }
    this.#pull();
  }

  /** A generator that is waiting inside runs its `finally` when what it waits for comes, or at once where it heeds the signal. */
  #stop(): void {
    try {
      this.#iterator.return?.()?.then(undefined, this.#onThrown);
    } catch (error) {
      this.#onThrown(error);
    }
  }
}
