interface Turn {
  /** Resolves when what was released has been. */
  readonly released: Promise<unknown> | undefined;
  /** Resolves when everything that was asked has been done, or has failed. */
  readonly all: Promise<unknown>;
}

/**
 * Has what is asked of a group's members take effect in its order: releases wait for all that was asked before them, and everything for
 * the releases before it. Leases go side by side.
 */
export class LeaseOrder {
  /** By group, while something is being done. */
  readonly #turns = new Map<string, Turn>();

  lease(group: string, run: () => Promise<void>): Promise<void> {
    const turn = this.#turns.get(group);
    const done = turn?.released === undefined ? run() : turn.released.then(run);
    this.#keep(group, { released: turn?.released, all: Promise.allSettled([turn?.all, done]) });
    return done;
  }

  release(group: string, run: () => Promise<void>): Promise<void> {
    const turn = this.#turns.get(group);
    const done = turn === undefined ? run() : turn.all.then(run);
    const all = Promise.allSettled([done]);
    this.#keep(group, { released: all, all });
    return done;
  }

  /** Resolves when everything that was asked by now has been done, or has failed. */
  get done(): Promise<unknown> {
    return Promise.all(Array.from(this.#turns.values(), ({ all }) => all));
  }

  #keep(group: string, turn: Turn): void {
    this.#turns.set(group, turn);
    void turn.all.then(() => {
      if (this.#turns.get(group) === turn) this.#turns.delete(group);
    });
  }
}
