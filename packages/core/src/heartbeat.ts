import type { Clock, TimerHandle } from "./clock.ts";

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
 * Looks after many connections with one timer. It counts beats instead of comparing times: after the process, or the clock, was
 * stopped for a minute, no connection is taken for dead before it had its beats.
 */
export class Heartbeat {
  readonly #clock: Omit<Clock, "turn">;
  readonly #beatMs: number;
  readonly #deadAt: number;
  readonly #connections: () => Iterable<Beating>;
  #timer: TimerHandle | undefined;

  constructor(clock: Omit<Clock, "turn">, options: HeartbeatOptions, connections: () => Iterable<Beating>) {
    this.#clock = clock;
    this.#connections = connections;
    this.#beatMs = options.heartbeatMs / beatsPerHeartbeat;
    this.#deadAt = beatsPerHeartbeat + Math.ceil(options.deadAfterMs / this.#beatMs);
  }

  start(): void {
    if (this.#beatMs === Number.POSITIVE_INFINITY || this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimeout(() => this.#beat(), this.#beatMs);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    this.#timer = undefined;
    this.start();
    for (const connection of this.#connections()) {
      const quiet = connection.countQuietBeat();
      if (quiet === beatsPerHeartbeat) connection.ping();
      else if (quiet >= this.#deadAt) connection.onSilent();
    }
  }
}
