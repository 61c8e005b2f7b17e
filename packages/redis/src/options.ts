import type { Clock } from "@tautline/core/internals";
import type { RedisOptions } from "ioredis";
import { backgroundClock } from "./clock.ts";

/**
 * The server: a URL (`redis:` or `rediss:`, with user, password and database), or ioredis' options, of which those about
 * reconnecting, queues and subscriptions are set by this package. Sentinels are among them; a Redis Cluster is not.
 */
export type RedisServer = string | RedisOptions;

/** What everything that connects to Redis takes. */
export interface RedisConnectionOptions {
  /** What the name of every key and channel begins with; without braces. Default "tautline". */
  readonly prefix?: string;
  /**
   * Whether what the server has acknowledged outlives it: every write is on disk first (`appendfsync always`), and no replica takes
   * over that may lack some. Default false: nobody knows what a server has lost that was restarted or replaced, so positions from
   * before are gaps then, and mutations from before `OUTCOME_UNKNOWN`.
   */
  readonly durable?: boolean;
  /** How long opening a connection may take, in ms. Default 5,000. Off: `Infinity`. */
  readonly connectTimeoutMs?: number;
  /** Ceilings of the random delay before connecting again, the first and the last, in ms. Default 100 and 5,000. */
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number };
  /** How often a connection is asked for a sign of life, in ms. Default 5,000. Off: `Infinity`. */
  readonly heartbeatMs?: number;
  /** One that gives none for so long, in ms, is given up. Default 5,000. */
  readonly deadAfterMs?: number;
  /** Hears why connections fail. It must not throw. Default: nobody does. */
  readonly onError?: (error: unknown) => void;
  /** Time, for tests. Default the system's. */
  readonly clock?: Clock;
  /** Delays are taken from it; for tests. Default Math.random. */
  readonly random?: () => number;
}

export interface RedisBrokerOptions extends RedisConnectionOptions {
  /** How many publishes may wait, for the server or for its answers; one more is `SERVICE_UNAVAILABLE`. Default 100,000. Off: `Infinity`. */
  readonly maxWaiting?: number;
  /** How long their texts may be together, in UTF-16 units. Default 64 Mi. Off: `Infinity`. */
  readonly maxWaitingLength?: number;
}

export interface RedisIdempotencyOptions extends RedisConnectionOptions {
  /** How long an outcome is kept after it is known, in ms. Default 300,000. Off: `Infinity`, which is 100 years. */
  readonly keepMs?: number;
  /** A node that does not show itself for so long, in ms, is dead: what it ran is `OUTCOME_UNKNOWN`. Default 15,000. */
  readonly leaseMs?: number;
  /** How often is looked whether a mutation that runs elsewhere is done, in ms. Default 250. */
  readonly pollMs?: number;
  /** The longest outcome that is kept, in bytes; of a longer one is known only that there was one. Default 1 MiB. Off: `Infinity`. */
  readonly maxOutcomeBytes?: number;
  /**
   * How long outcomes that wait for a server which is away may be together, in UTF-16 units; of more is known only that they were.
   * Default 64 Mi. Off: `Infinity`.
   */
  readonly maxWaitingLength?: number;
  /** How long a mutation waits for a server that is away, in ms, before it is `SERVICE_UNAVAILABLE`, and `serve` before it listens. Default 5,000. Off: 0. */
  readonly waitMs?: number;
}

/** The options of a connection, with their defaults. */
export interface ConnectionSettings {
  readonly server: RedisServer;
  readonly prefix: string;
  readonly durable: boolean;
  readonly connectTimeoutMs: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

/** @throws TypeError where the prefix has a brace: with one, a Cluster would not keep a log's keys together. */
export function connectionSettings(server: RedisServer, options: RedisConnectionOptions): ConnectionSettings {
  const { prefix = "tautline", backoff } = options;
  if (/[{}]/.test(prefix)) throw new TypeError(`a prefix without braces is needed, not ${prefix}`);
  return {
    server,
    prefix,
    durable: options.durable ?? false,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    backoff: { baseMs: backoff?.baseMs ?? 100, maxMs: backoff?.maxMs ?? 5_000 },
    heartbeatMs: options.heartbeatMs ?? 5_000,
    deadAfterMs: options.deadAfterMs ?? 5_000,
    onError: options.onError ?? (() => {}),
    clock: options.clock ?? backgroundClock,
    random: options.random ?? Math.random,
  };
}
