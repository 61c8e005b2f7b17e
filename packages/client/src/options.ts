import type { ProcedureType, TautlineError } from "@tautline/core";
import type { BackoffOptions } from "./backoff.ts";
import type { Exposed } from "./exposed.ts";
import type { StreamsOption } from "./streams.ts";
import type { ClientClock } from "./turn.ts";
import type { WebSocketClass } from "./web-socket.ts";

/** A value, or what gives it, also later. Asked for anew at each connect. */
export type Provided<T> = T | (() => T | Promise<T>);

/** What the server's `createContext` finds as `info.connectionParams`. */
export type ConnectionParams = Readonly<Record<string, string>>;

/** How to connect. */
export interface ConnectionOptions {
  /** `ws:`, `wss:`, `http:` or `https:`; in browsers also relative to the page: `/rpc`. */
  readonly url: Provided<string | URL>;
  /** Sent in the first message, never in the URL, where logs would keep it. Default none. */
  readonly connectionParams?: Provided<ConnectionParams | undefined>;
  /** Another class of WebSockets. Default: `ws` in Node, the global one elsewhere. */
  readonly WebSocket?: WebSocketClass;
  /** Whether the first call opens the connection. Default true; false opens it at once. */
  readonly lazy?: boolean;
  /** Closes the connection when there was no call for so long, in ms; the next call opens it again. Default off (`Infinity`). */
  readonly idleCloseMs?: number;
  /** Time for opening the socket and for the server's welcome, in ms. Default 10,000. Off: `Infinity`. */
  readonly connectTimeoutMs?: number;
  /** Delays before connecting again. Default: up to 250 ms, doubling to 30 s, full jitter. */
  readonly backoff?: BackoffOptions;
  /** What is kept of what was sent and not acknowledged, for a resume, in bytes. Default 1 MiB. */
  readonly replayBytes?: number;
  /** A connection that is silent for so long is asked for a sign of life, in ms. Default 25,000. Off: `Infinity`. */
  readonly heartbeatMs?: number;
  /** One that gives none is given up after so long, in ms; the session goes on over the next. Default 8,000. */
  readonly deadAfterMs?: number;
  /** Carries the streams in inputs and outputs: `streams` of this package. Default none: nothing of them is bundled. */
  readonly streams?: StreamsOption;
  /** With `streams`: the largest message sent, in as many parts as it takes, in bytes. Default 1 MiB, which is what a server takes. */
  readonly maxMessageBytes?: number;
  /**
   * How far a stream that the server sends may be ahead of its reader, in bytes: at most, where the line is long. Default 512 KiB. What
   * comes first is 256 KiB in any case.
   */
  readonly streamWindowBytes?: number;
  /** Time, for tests. Default: the system's. */
  readonly clock?: ClientClock;
  /** Numbers from 0 to 1, for tests; the delays between attempts come from them. Default Math.random. */
  readonly random?: () => number;
  /** Without `streams`: the largest message sent, in bytes. Default 1 MiB, which is what a server takes. */
  readonly maxFrameBytes?: number;
  /** Procedures that the server can call: `expose(…)` or `exposeRouter(…)`. Default none. */
  readonly expose?: Exposed;
}

/** How much a client does for its server at a time, and who hears what goes wrong. */
export interface ExposeOptions {
  /** Queries and mutations in flight. Default 1,000. Off: `Infinity`. */
  readonly maxCalls?: number;
  /** Subscriptions. Default 1,000. Off: `Infinity`. */
  readonly maxSubscriptions?: number;
  /**
   * Hears of every call that failed, and why. What it throws is left out. Default: what no handler threw deliberately goes to
   * `console.error`. Off: `() => {}`.
   */
  readonly onError?: (report: ExposedErrorReport) => void;
}

/** A server's call that failed. */
export interface ExposedErrorReport {
  /** What the server is told; its `cause` is what was thrown, and stays here. */
  readonly error: TautlineError;
  readonly type: ProcedureType;
  readonly path: string;
}

export const defaultConnectTimeoutMs = 10_000;
/** Until a server says how long it keeps a session. */
export const defaultWindowMs = 60_000;
export const defaultReplayBytes: number = 1024 * 1024;
