import type { Deadline, Deadlines } from "./deadlines.ts";

/** One connection, as a heartbeat sees it. */
export interface Beating {
  /** Counts a beat in which nothing came; any frame sets the count back. Returns the count. */
  countQuietBeat(): number;
  /** Asks for a sign of life. */
  ping(): void;
  /** There was none. */
  onSilent(): void;
}

export interface HeartbeatOptions {
  /** After so long without a frame, a ping is sent, in ms. Off: Infinity. */
  readonly heartbeatMs: number;
  /** After so long without one after that, the connection is given up, in ms. */
  readonly deadAfterMs: number;
}

const beatsPerHeartbeat = 25;

/**
 * Looks after many connections with one deadline. It counts beats instead of comparing times: after the process, or the clock, was
 * stopped for a minute, no connection is taken for dead before it had its beats.
 */
export class Heartbeat {
  readonly #deadlines: Deadlines;
  readonly #beatMs: number;
  readonly #deadAt: number;
  readonly #connections: () => Iterable<Beating>;
  #next: Deadline | undefined;

  constructor(deadlines: Deadlines, options: HeartbeatOptions, connections: () => Iterable<Beating>) {
    this.#deadlines = deadlines;
    this.#connections = connections;
    this.#beatMs = options.heartbeatMs / beatsPerHeartbeat;
    this.#deadAt = beatsPerHeartbeat + Math.ceil(options.deadAfterMs / this.#beatMs);
  }

  start(): void {
    this.#next ??= this.#deadlines.add(this.#beatMs, () => this.#beat());
  }

  stop(): void {
    this.#next?.cancel();
    this.#next = undefined;
  }

  #beat(): void {
    this.#next = undefined;
    this.start();
    for (const connection of this.#connections()) {
      const quiet = connection.countQuietBeat();
      if (quiet === beatsPerHeartbeat) connection.ping();
      else if (quiet >= this.#deadAt) connection.onSilent();
    }
  }
}
