import type { Deadlines } from "@tautline/core/internals";

/** A connection, as a {@link DrainWatch} sees it. */
export interface Draining {
  /** Counts a look at which something waits to be taken, and nothing was since the look before. Returns how many in a row. */
  countStuckLook(): number;
  /** Nothing was for too long. */
  onStuck(): void;
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
