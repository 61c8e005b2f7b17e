/** An event of a key, or that all before it were lost (`length` is undefined). */
interface LoggedEntry {
  readonly position: number;
  readonly length: number | undefined;
  /** Where in the history it is. */
  readonly order: number;
  /** How many events there were up to it. */
  readonly rank: number;
}

/** What was published of one key, in order, and what was lost of it. */
export class PublishedKey {
  readonly #entries: LoggedEntry[] = [];
  readonly #cuts: { readonly position: number; readonly order: number }[] = [];
  #losses = 0;

  add(position: number, length: number, order: number): void {
    this.#entries.push({ position, length, order, rank: this.#entries.length + 1 - this.#losses });
  }

  /** Everything is lost, of which there has to be word. */
  lose(position: number, order: number): void {
    this.#losses++;
    this.#entries.push({ position, length: undefined, order, rank: this.#entries.length + 1 - this.#losses });
  }

  /** History is cut: events up to a position are gone from it. */
  cut(position: number, order: number): void {
    this.#cuts.push({ position, order });
  }

  /** How long the event at a position is; undefined where there is none. */
  lengthAt(position: number): number | undefined {
    const entry = this.#entries[this.#indexAfter(position) - 1];
    return entry?.position === position ? entry.length : undefined;
  }

  /** Whether it is no event that is at a position, but the loss of all before. */
  isLoss(position: number | undefined): boolean {
    if (position === undefined) return false;
    const entry = this.#entries[this.#indexAfter(position) - 1];
    return entry?.position === position && entry.length === undefined;
  }

  /** What comes next after a position, of what was there before an entry of the history: a loss, or an event whose position is a multiple. */
  next(position: number, every: number, order: number): number | undefined {
    for (let index = this.#indexAfter(position); index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry !== undefined && entry.order > order) return undefined;
      if (entry !== undefined && (entry.length === undefined || entry.position % every === 0)) return entry.position;
    }
    return undefined;
  }

  /** The newest one up to a position. */
  newest(position: number): number | undefined {
    return this.#entries[this.#indexAfter(position) - 1]?.position;
  }

  /** How many events there are up to a position, whatever was lost of them. */
  rank(position: number): number {
    return this.#entries[this.#indexAfter(position) - 1]?.rank ?? 0;
  }

  /** How many came after a position, and before an entry of the history. */
  count(position: number, order: number): number {
    let count = 0;
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.position <= position) break;
      if (entry.order < order) count++;
    }
    return count;
  }

  /** Whether what is at a position was lost, or cut off the history, before an entry of the history. */
  isLost(position: number, order: number): boolean {
    if (this.#cuts.some((cut) => cut.order < order && cut.position >= position)) return true;
    for (let index = this.#indexAfter(position - 1); index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.order > order) return false;
      if (entry.length === undefined) return true;
    }
    return false;
  }

  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.position ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
