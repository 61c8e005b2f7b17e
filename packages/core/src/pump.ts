import type { Clock } from "./clock.ts";
import { joinedFrameLength, partLength, sharedPartLength } from "./options.ts";
import type { StreamLine } from "./stream-line.ts";

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

/** After so many small items, or a part's length of others, the rest of the process gets its turn: a source that is always ready starves it otherwise. */
const itemsPerTurn = 256;

export interface PumpOptions {
  readonly target: PumpTarget;
  readonly source: AsyncIterable<unknown>;
  readonly clock: Pick<Clock, "turn">;
  /** What its items go over. Left out: nobody waits for them to pass. */
  readonly line?: Pick<StreamLine, "isShared">;
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
  /** How much of its turn it has used: 1 is all of it. */
  #used = 0;

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
    const wait = target.ready() ?? (this.#used >= 1 ? this.#turn() : undefined);
    if (wait === undefined) this.#next();
    else wait.then(() => this.#pull(), this.#onThrown);
  }

  #turn(): Promise<void> {
    this.#used = 0;
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
    // An iterator of somebody's own may give anything, and nobody awaits this.
    try {
      if (result.done === true) return target.sendEnd();
      // Also one that nobody waits for any more: it may hold streams, whose sources are told.
      this.#used += this.#shareOf(onItem(result.value));
    } catch (error) {
      if (target.settled) return;
      onError(error);
      return this.#stop();
    }
    this.#pull();
  }

  /** How much of a turn an item takes. */
  #shareOf(frameLength: number): number {
    if (frameLength <= joinedFrameLength) return 1 / itemsPerTurn;
    return frameLength / (this.#options.line?.isShared === true ? sharedPartLength : partLength);
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
