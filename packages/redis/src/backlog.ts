/** Counts what waits, up to a bound of how many and how long. */
export class Backlog {
  readonly #maxCount: number;
  readonly #maxLength: number;
  #count = 0;
  #length = 0;

  constructor(maxCount: number, maxLength: number) {
    this.#maxCount = maxCount;
    this.#maxLength = maxLength;
  }

  /** Whether there is room for one more, which is counted then until it is removed. One alone may be as long as it likes. */
  add(length: number): boolean {
    if (this.#count >= this.#maxCount) return false;
    if (this.#count > 0 && this.#length + length > this.#maxLength) return false;
    this.#count++;
    this.#length += length;
    return true;
  }

  remove(length: number): void {
    this.#count--;
    this.#length -= length;
  }
}
