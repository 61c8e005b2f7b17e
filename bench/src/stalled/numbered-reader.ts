/** Takes numbered items in a loop, and stops between two of them when it is told to. */
export class NumberedReader {
  taken = 0;
  #most = Number.POSITIVE_INFINITY;
  #gate: Promise<void> | undefined = undefined;
  #open: () => void = () => {};

  stop(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** So many more, and then it leaves the loop. */
  goOn(more: number): void {
    this.#most = this.taken + more;
    this.#gate = undefined;
    this.#open();
  }

  /** Returns how many it has taken. @throws Error where one is missing, doubled or out of order. */
  async read<Item>(items: AsyncIterable<Item>, numberOf: (item: Item) => number): Promise<number> {
    for await (const item of items) {
      if (numberOf(item) !== this.taken) throw new Error(`${numberOf(item)} came after ${this.taken} items`);
      this.taken++;
      await this.#gate;
      if (this.taken >= this.#most) break;
    }
    return this.taken;
  }
}
