/** Wakes everybody who waits. It carries no data: whoever wakes looks at the state that rang. */
export class Bell {
  readonly #sleepers = new Set<() => void>();

  ring(): void {
    const woken = [...this.#sleepers];
    for (const wake of woken) wake();
  }

  /** Resolves at the next ring, or when `signal` is aborted. It never rejects. */
  rung(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      if (signal?.aborted) return resolve();
      this.#sleepers.add(wake);
      signal?.addEventListener("abort", wake);
    });
  }

  /** How many are waiting. */
  get sleepers(): number {
    return this.#sleepers.size;
  }
}
