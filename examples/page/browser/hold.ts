/** Holds new connections back for a while: a network that is away, without unplugging anything. */
export class Hold {
  #until = 0;
  #released: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  /** How long it still holds, in ms. */
  get leftMs(): number {
    return Math.max(0, this.#until - performance.now());
  }

  /** Resolves when connections may be opened. */
  get released(): Promise<void> {
    return this.#released;
  }

  start(ms: number): void {
    this.#until = performance.now() + ms;
    this.#released = new Promise((resolve) => {
      const timer = setTimeout(() => this.release(), ms);
      this.#release = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  release(): void {
    this.#until = 0;
    this.#release();
  }
}
