import type { Deadline, Deadlines } from "@tautline/core/internals";

/** Something that has to read what it has missed. */
export interface CatchUp {
  /** Rejects where it could not. */
  catchUp(): Promise<void>;
}

/** So many read at once. */
const maxAtOnce = 128;
/** Those that could not, although the server is there, try again after so long. */
const retryMs = 1_000;

/** Who waits to read what was missed: some at a time, while the server is there. */
export class CatchUps {
  readonly #isReady: () => boolean;
  readonly #deadlines: Deadlines;
  #waiting: CatchUp[] = [];
  #failed: CatchUp[] = [];
  #running = 0;
  #retry: Deadline | undefined = undefined;

  constructor(isReady: () => boolean, deadlines: Deadlines) {
    this.#isReady = isReady;
    this.#deadlines = deadlines;
  }

  add(one: CatchUp): void {
    this.#waiting.push(one);
    this.#run();
  }

  /** The server is back. */
  onReady(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#waiting.push(...this.#failed.splice(0));
    this.#run();
  }

  clear(): void {
    this.#waiting = [];
    this.#failed = [];
  }

  /** In any order: the newest first, which moves none of the others. */
  #run(): void {
    while (this.#running < maxAtOnce && this.#isReady()) {
      const one = this.#waiting.pop();
      if (one === undefined) return;
      this.#running++;
      one.catchUp().then(
        () => this.#onDone(),
        () => this.#onFailed(one),
      );
    }
  }

  #onDone(): void {
    this.#running--;
    this.#run();
  }

  #onFailed(one: CatchUp): void {
    this.#failed.push(one);
    if (this.#isReady()) this.#retry ??= this.#deadlines.add(retryMs, () => this.onReady());
    this.#onDone();
  }
}
