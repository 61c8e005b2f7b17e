import type { NodeConnectionOptions } from "@nats-io/transport-node";
import type { Clock } from "@tautline/core/internals";
import { systemClock } from "./clock.ts";

/** What a link to NATS is made of. */
export interface NatsLinkOptions {
  /** `host:port`, or several of a cluster, one of which is tried after the other. Default `127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** Credentials, TLS and whatever else `connect` of `@nats-io/transport-node` takes, but for what the link sees to itself. */
  readonly connection?: Omit<
    NodeConnectionOptions,
    | "servers"
    | "reconnect"
    | "waitOnFirstConnect"
    | "maxReconnectAttempts"
    | "pingInterval"
    | "maxPingOut"
    | "timeout"
    | "noAsyncTraces"
  >;
  /**
   * What every subject and stream begins with, in `A–Z a–z 0–9 _ -`: those who share it share topics. It does not end with `-live`,
   * `-signal`, `-lease` or `-mutation`, which another's subjects may begin with. Default `tautline`.
   */
  readonly prefix?: string;
  /** How many servers of a cluster keep each stream, 1 to 5. Default 1. */
  readonly replicas?: number;
  /** Where topics are kept. Default `file`. */
  readonly storage?: "file" | "memory";
  /** How long NATS may take to answer, and to let a connection in, in ms. Default 5,000. */
  readonly answerMs?: number;
  /** How often a connection is asked for a sign of life, in ms; it is given up when two are not given. Default 5,000. */
  readonly heartbeatMs?: number;
  /** Ceilings of the delay before connecting again, the first and the last, in ms. Default `{ baseMs: 100, maxMs: 5_000 }`. */
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number };
  /**
   * Hears of what is nobody else's to hear: a try to connect that failed, a follow that could not catch up yet. Must not throw.
   * Default: nobody.
   */
  readonly onError?: (error: unknown) => void;
  /** Time, for tests. Default the system's. */
  readonly clock?: Clock;
  /** Delays are taken from it, and which publishes look whether a log has become too long; for tests. Default `Math.random`. */
  readonly random?: () => number;
}

export interface NatsBrokerOptions extends NatsLinkOptions {
  /**
   * How often a topic's stream is looked at, in ms, while somebody follows it: whether it is still the same, and how far it has come.
   * Default 10,000. Off: `Infinity`; then a stream that was deleted is noticed with the next event.
   */
  readonly probeMs?: number;
  /** Publishes that wait for NATS or its answer; one more fails with `SERVICE_UNAVAILABLE`. Default 10,000. Off: `Infinity`. */
  readonly maxWaiting?: number;
  /** What their texts may take together, in bytes. Default 64 MiB. Off: `Infinity`. */
  readonly maxWaitingBytes?: number;
}

export interface NatsIdempotencyOptions extends NatsLinkOptions {
  /** How long an outcome is kept after it is known, in ms, 100 at least. Default 300,000. */
  readonly keepMs?: number;
  /**
   * How long a node counts as alive after it was last heard of, in ms, 100 at least and up to a quarter more. Whoever asks after a
   * mutation that ran on one that is dead is told `OUTCOME_UNKNOWN`. Default 15,000.
   */
  readonly leaseMs?: number;
  /** How often to look what became of a mutation that runs on another node, in ms. Default 250. */
  readonly pollMs?: number;
  /** How long a claim waits for NATS while it is away, in ms. Default 5,000. Off: 0. */
  readonly waitMs?: number;
  /**
   * The longest outcome that is kept, in bytes of JSON. Of a longer one it is only known that there was one: whoever sends the
   * mutation again is told `OUTCOME_UNKNOWN`. Default 256 KiB. What NATS takes in one message (1 MiB by default) is a limit too.
   */
  readonly maxOutcomeBytes?: number;
}

/** The options of a link, defaults filled in. */
export interface LinkSettings {
  readonly servers: string[];
  readonly connection: NodeConnectionOptions;
  readonly prefix: string;
  readonly replicas: number;
  readonly storage: "file" | "memory";
  readonly answerMs: number;
  readonly heartbeatMs: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

export const defaultProbeMs = 10_000;
export const defaultMaxWaiting = 10_000;
export const defaultMaxWaitingBytes: number = 64 * 1024 * 1024;
export const defaultKeepMs = 300_000;
export const defaultLeaseMs = 15_000;
export const defaultPollMs = 250;
export const defaultWaitMs = 5_000;
export const defaultMaxOutcomeBytes: number = 256 * 1024;

/** @throws TypeError where the prefix cannot be part of a subject. */
export function linkSettings(options: NatsLinkOptions): LinkSettings {
  const { servers = "127.0.0.1:4222", prefix = "tautline" } = options;
  if (!/^[\w-]+$/.test(prefix)) throw new TypeError(`a prefix is made of A–Z a–z 0–9 _ -, not ${prefix}`);
  if (/-(live|signal|lease|mutation)$/.test(prefix)) throw new TypeError(`${prefix} may be part of another's subjects`);
  return {
    servers: typeof servers === "string" ? [servers] : [...servers],
    connection: options.connection ?? {},
    prefix,
    replicas: options.replicas ?? 1,
    storage: options.storage ?? "file",
    answerMs: options.answerMs ?? 5_000,
    heartbeatMs: options.heartbeatMs ?? 5_000,
    backoff: { baseMs: options.backoff?.baseMs ?? 100, maxMs: options.backoff?.maxMs ?? 5_000 },
    onError: options.onError ?? (() => {}),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}
