import type { Clock } from "./clock.ts";
import type { IncomingCall } from "./incoming-call.ts";

/** After so many items one after the other, the rest of the process gets its turn: a source that is always ready starves it otherwise. */
const itemsPerTurn = 128;

export interface PumpOptions {
  readonly call: IncomingCall;
  readonly source: AsyncIterable<unknown>;
  readonly clock: Pick<Clock, "turn">;
  /** Sends one item on the call. What it throws ends the call. */
  readonly onItem: (item: unknown) => void;
  /** The source, or `onItem`, has thrown. Also called when the source throws while it is being stopped. */
  readonly onError: (error: unknown) => void;
}

/**
 * Moves items from an async iterable to a call: one at a time, no faster than the connection takes them, ended when the call is
 * aborted. No promises of its own: a subscription that waits costs its source and this object.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #iterator: AsyncIterator<unknown>;
  readonly #onNext: (result: IteratorResult<unknown>) => void;
  readonly #onThrown: (error: unknown) => void;
  /** Pulled since the rest of the process had its turn. */
  #items = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#iterator = options.source[Symbol.asyncIterator]();
    this.#onNext = (result) => this.#take(result);
    this.#onThrown = (error) => options.onError(error);
  }

  start(): void {
    const { call } = this.#options;
    if (call.settled) return this.#stop();
    call.onAborted = () => this.#stop();
    call.sendStarted();
    this.#pull();
  }

  #pull(): void {
    const { call } = this.#options;
    if (call.settled) return;
    const wait = call.ready() ?? (this.#items === itemsPerTurn ? this.#turn() : undefined);
    if (wait !== undefined) return void wait.then(() => this.#pull(), this.#onThrown);
    this.#items++;
    this.#next();
  }

  #turn(): Promise<void> {
    this.#items = 0;
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
    const { call, onItem, onError } = this.#options;
    if (call.settled) return;
    // An iterator of somebody's own may give anything, and nobody awaits this.
    try {
      if (result.done === true) return call.sendEnd();
      onItem(result.value);
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
