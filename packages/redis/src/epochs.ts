/** The epoch of each shard, as it was told last. */
export class Epochs {
  readonly #epochs = new Map<string, string>();

  get(shard: string): string | undefined {
    return this.#epochs.get(shard);
  }

  /** Gives the same string each time, of which there are then few, however many positions there are. */
  know(shard: string, told: string): string {
    const known = this.#epochs.get(shard);
    if (known === told) return known;
    this.#epochs.set(shard, told);
    return told;
  }
}
