import type { Deadline, Deadlines } from "./deadlines.ts";
import { defaultDeadAfterMs, defaultHeartbeatMs } from "./options.ts";

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
  /** After so long without a frame, a ping is sent, in ms. Default 25,000. Off: Infinity. */
  readonly heartbeatMs?: number;
  /** After so long without one after that, the connection is given up, in ms. Default 8,000. */
  readonly deadAfterMs?: number;
}

const beatsPerHeartbeat = 25;

/** How long it is from one beat to the next, in ms. */
export function beatMs({ heartbeatMs = defaultHeartbeatMs }: HeartbeatOptions): number {
  return heartbeatMs / beatsPerHeartbeat;
}

/**
 * What a connection needs that was quiet for so many beats. Beats are counted, times are not compared: after the process, or the clock,
 * was stopped for a minute, no connection is taken for dead before it had its beats.
 */
export function needOf(quietBeats: number, options: HeartbeatOptions): "ping" | "close" | undefined {
  const { deadAfterMs = defaultDeadAfterMs } = options;
  const beats = quietBeats - beatsPerHeartbeat;
  if (beats === 0) return "ping";
  return beats * beatMs(options) >= deadAfterMs ? "close" : undefined;
}

/** Looks after many connections with one deadline. */
export class Heartbeat {
  readonly #deadlines: Deadlines;
  readonly #options: HeartbeatOptions;
  readonly #connections: () => Iterable<Beating>;
  #next: Deadline | undefined;

  constructor(deadlines: Deadlines, options: HeartbeatOptions, connections: () => Iterable<Beating>) {
    this.#deadlines = deadlines;
    this.#options = options;
    this.#connections = connections;
  }

  start(): void {
    this.#next ??= this.#deadlines.add(beatMs(this.#options), () => this.#beat());
  }

  stop(): void {
    this.#next?.cancel();
    this.#next = undefined;
  }

  #beat(): void {
    this.#next = undefined;
    this.start();
    for (const connection of this.#connections()) {
      const need = needOf(connection.countQuietBeat(), this.#options);
      if (need === "ping") connection.ping();
      else if (need === "close") connection.onSilent();
    }
  }
}
