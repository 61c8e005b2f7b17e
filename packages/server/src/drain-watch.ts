import type { Deadlines } from "@tautline/core/internals";

/** A connection, as a {@link DrainWatch} sees it. */
export interface Draining {
  /** Counts a look at which something waits to be taken, and nothing was since the look before. Returns how many in a row. */
  countStuckLook(): number;
  /** Nothing was for too long. */
  onStuck(): void;
}

/** What a connection's other end has taken, from one look to the next. */
export class DrainProgress {
  #taken: number | undefined = undefined;
  #awaited: number | undefined = undefined;
  #stuckLooks = 0;

  /**
   * @param taken what its socket had taken; undefined where nothing waits there.
   * @param awaited how much the client had acknowledged; undefined where nobody waits for that.
   * @returns how many looks in a row found something that waits, and nothing taken.
   */
  look(taken: number | undefined, awaited: number | undefined): number {
    const waits = taken !== undefined || awaited !== undefined;
    const stuck = waits && taken === this.#taken && awaited === this.#awaited;
    this.#stuckLooks = stuck ? this.#stuckLooks + 1 : 0;
    this.#taken = taken;
    this.#awaited = awaited;
    return this.#stuckLooks;
  }
}

const looksPerTimeout = 10;

/**
 * Finds connections whose other end does not read, while there are any: one deadline for all. Like the heartbeat it counts looks
 * instead of comparing times: after the process was stopped for a minute, none is given up before its time.
 */
export class DrainWatch {
  readonly #deadlines: Deadlines;
  readonly #lookMs: number;
  readonly #connections: ReadonlySet<Draining>;
  #watching = false;

  constructor(deadlines: Deadlines, drainTimeoutMs: number, connections: ReadonlySet<Draining>) {
    this.#deadlines = deadlines;
    this.#lookMs = drainTimeoutMs / looksPerTimeout;
    this.#connections = connections;
  }

  /** There is a connection. */
  start(): void {
    if (this.#watching || this.#lookMs === Number.POSITIVE_INFINITY) return;
    this.#watching = true;
    this.#deadlines.add(this.#lookMs, () => this.#look());
  }

  #look(): void {
    this.#watching = false;
    if (this.#connections.size > 0) this.start();
    for (const connection of this.#connections) {
      if (connection.countStuckLook() >= looksPerTimeout) connection.onStuck();
    }
  }
}
