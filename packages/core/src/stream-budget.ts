/** A stream that comes, as the budget of its session sees it. */
export interface Budgeted {
  /** There is a window for it now. */
  onWindow(): void;
}

/**
 * How much the streams that come in one session may be ahead of their readers together: so many windows. A stream that finds none
 * left comes item by item, each when its reader waits for it, until another gives its window back; so none is ever stuck behind those
 * that nobody reads.
 */
export class StreamBudget {
  #left: number;
  readonly #waiting = new Set<Budgeted>();

  /** @param maxBytes for all of them. Off: Infinity. @param windowBytes what each takes of it. One at least has its window. */
  constructor(maxBytes: number, windowBytes: number) {
    this.#left = Math.max(1, Math.floor(maxBytes / windowBytes));
  }

  /** Whether there is a window for the stream now; where there is none it is told when there is. */
  claim(stream: Budgeted): boolean {
    if (this.#left === 0) {
      this.#waiting.add(stream);
      return false;
    }
    this.#left--;
    return true;
  }

  /** The stream needs its window no more, or does not wait for one: called once for each that has claimed one. */
  release(stream: Budgeted): void {
    if (this.#waiting.delete(stream)) return;
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#left++;
      return;
    }
    this.#waiting.delete(next);
    next.onWindow();
  }
}
