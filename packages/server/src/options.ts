import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { TautlineError } from "@tautline/core";
import {
  defaultDeadAfterMs,
  defaultHeartbeatMs,
  defaultMaxCalls,
  defaultMaxDepth,
  defaultMaxFrameBytes,
  defaultMaxMessageBytes,
  defaultMaxStreamBytes,
  defaultMaxSubscriptions,
  defaultMaxWindowBytes,
} from "@tautline/core/internals";
import type {
  AnyTRPCRouter,
  CreateContextCallback,
  inferRouterContext,
  TRPCError,
  TRPCProcedureType,
} from "@trpc/server";
import type { TRPCRequestInfo } from "@trpc/server/http";
import type { ClientFactory } from "./client-factory.ts";
import type { ServerHub } from "./hub-control.ts";
import type { IdempotencyStore } from "./idempotency.ts";
import type { AllowedOrigins } from "./origin.ts";

/** What `createContext` gets, as in tRPC. */
export interface CreateContextOptions {
  /** The request that opened the connection, with its headers, cookies and address. */
  readonly req: IncomingMessage;
  /** `connectionParams` are the client's, `signal` fires when the connection is gone. */
  readonly info: TRPCRequestInfo;
  /** Makes what calls the procedures that this client exposes, for handlers to find in the context. */
  readonly client: ClientFactory;
}

/** What `onError` gets, as in tRPC: the error as it was thrown (`error.cause`), which no client sees. */
export interface ErrorReport<Context> {
  readonly error: TRPCError;
  readonly type: TRPCProcedureType | "unknown";
  /** Undefined where the error is the connection's, not a call's. */
  readonly path: string | undefined;
  readonly input: unknown;
  readonly ctx: Context | undefined;
  readonly req: IncomingMessage;
}

/** Makes the context that every procedure of the connection gets. What it throws refuses the connection. */
export type CreateContext<Router extends AnyTRPCRouter> = (
  options: CreateContextOptions,
) => inferRouterContext<Router> | Promise<inferRouterContext<Router>>;

/** The options of `serve` without `createContext`, which is needed exactly where the router's context needs it. */
export interface ServeBaseOptions<Router extends AnyTRPCRouter> {
  readonly router: Router;
  /** The port to listen on; 0 picks a free one. Default 0. Not with `server`. */
  readonly port?: number;
  /** The interface to listen on. Left out: all of them. Not with `server`. */
  readonly host?: string;
  /**
   * An HTTP server of yours to share: upgrades on `path` are taken, everything else is left to you. An upgrade that nobody has begun to
   * read after `helloTimeoutMs` is answered with 404. You close it.
   */
  readonly server?: HttpServer;
  /** The path to connect to, as URLs have it; one server of an HTTP server has it at a time. Default `/`. */
  readonly path?: string;
  /**
   * Hears of every error, and of what clients are not told. What it throws is left out. Default: what no procedure threw
   * deliberately goes to `console.error`. Off: `() => {}`.
   */
  readonly onError?: (report: ErrorReport<inferRouterContext<Router>>) => void;
  /**
   * What clients are told of errors. `"deliberate"`: code and message of a thrown TRPCError or TautlineError; anything else is
   * an `INTERNAL_SERVER_ERROR` without message and stack. `"full"`: tRPC's own shape, for development. Default `"deliberate"`.
   */
  readonly errorDetail?: "deliberate" | "full";
  /** Default: the server's own host, on loopback with any port. Off: `"*"`. */
  readonly allowedOrigins?: AllowedOrigins;
  /** Whether a request without `Origin`, which no browser sends, is refused. Default false. */
  readonly requireOrigin?: boolean;
  /** Time for a connection's `hello`, and again for `createContext`, in ms. Default 5,000. Off: `Infinity`. */
  readonly helloTimeoutMs?: number;
  /** The largest frame taken or sent, in bytes. Default 1 MiB. */
  readonly maxFrameBytes?: number;
  /**
   * The largest message taken, and sent to clients that take them (those with `streams`), in as many parts as it takes; in bytes.
   * Default 1 MiB.
   */
  readonly maxMessageBytes?: number;
  /** How deep a frame's JSON may nest. Default 64. */
  readonly maxDepth?: number;
  /** Queries and mutations in flight on one connection. Default 1,000. Off: `Infinity`. */
  readonly maxCalls?: number;
  /** Subscriptions on one connection. Default 1,000. Off: `Infinity`. */
  readonly maxSubscriptions?: number;
  /**
   * Who a context belongs to. A session is resumed by the identity that opened it alone. Default: the session's token is proof
   * enough.
   */
  readonly identify?: (ctx: inferRouterContext<Router>) => string | undefined;
  /**
   * Remembers what mutations came to: one whose answer was lost with its session is then sent again and answered with what it came
   * to; it is run once at most, and runs on when its caller is lost. `memoryIdempotencyStore()` is one. Default none.
   */
  readonly idempotency?: IdempotencyStore;
  /** What `createHub` made: its `disconnect` and `counts` are then for this server too. Default none. */
  readonly hub?: ServerHub;
  /** Hears of sessions: opened, parked (their connection is gone), resumed, lost. What it throws is left out. */
  readonly onSession?: (event: SessionEvent) => void;
  /** How long a session is kept without a connection, in ms. Default 60,000. Off: 0, then it ends with its connection. */
  readonly sessionWindowMs?: number;
  /** What a session keeps of what was sent and not acknowledged, in bytes. Default 1 MiB. */
  readonly replayBytes?: number;
  /** Sessions without a connection; the oldest are lost first. Default 10,000. Off: `Infinity`. */
  readonly maxParkedSessions?: number;
  /** What all of them keep together, in bytes; the oldest are lost first. Default 256 MiB. Off: `Infinity`. */
  readonly maxParkedBytes?: number;
  /** A connection that is silent for so long is asked for a sign of life, in ms. Default 25,000. Off: `Infinity`. */
  readonly heartbeatMs?: number;
  /** One that gives none is closed after so long, in ms; its session is kept. Default 8,000. */
  readonly deadAfterMs?: number;
  /** How far a stream that a client sends may be ahead of its handler, in bytes: at most, where the line is long. Default 512 KiB. */
  readonly streamWindowBytes?: number;
  /**
   * How far all that a client sends in one session may be ahead of their handlers together, in bytes. Streams that find no window left
   * come item by item, each when its handler waits for it, until there is one. Default 16 MiB. Off: `Infinity`.
   */
  readonly maxStreamBytes?: number;
  /**
   * Bytes waiting in a connection's socket at which its producers pause. Default 1 MiB. Off: `Infinity`. Less than the mark of Node's
   * streams counts as that: 16 KiB, since Node 22 mostly 64 KiB; with less to write they say nothing of draining.
   */
  readonly highWaterBytes?: number;
  /**
   * A connection that takes nothing of what waits for its client is cut after so long, in ms; its session is kept. Default 30,000.
   * Off: `Infinity`.
   */
  readonly drainTimeoutMs?: number;
}

export type ServeOptions<Router extends AnyTRPCRouter> = ServeBaseOptions<Router> &
  CreateContextCallback<inferRouterContext<Router>, CreateContext<Router>>;

/** What a session has come to. `reason` says why one was lost. */
export interface SessionEvent {
  readonly type: "opened" | "parked" | "resumed" | "lost";
  readonly identity: string | undefined;
  readonly reason?: TautlineError;
}

/** What connections and sessions are held to, defaults filled in. */
export interface ServerLimits {
  readonly helloTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly maxDepth: number;
  readonly maxCalls: number;
  readonly maxSubscriptions: number;
  readonly highWaterBytes: number;
  readonly drainTimeoutMs: number;
  readonly sessionWindowMs: number;
  readonly replayBytes: number;
  readonly maxParkedSessions: number;
  readonly maxParkedBytes: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly streamWindowBytes: number;
  readonly maxStreamBytes: number;
  readonly maxMessageBytes: number;
}

export function serverLimits(options: Partial<ServerLimits>): ServerLimits {
  return {
    helloTimeoutMs: options.helloTimeoutMs ?? 5_000,
    maxFrameBytes: options.maxFrameBytes ?? defaultMaxFrameBytes,
    maxDepth: options.maxDepth ?? defaultMaxDepth,
    maxCalls: options.maxCalls ?? defaultMaxCalls,
    maxSubscriptions: options.maxSubscriptions ?? defaultMaxSubscriptions,
    highWaterBytes: options.highWaterBytes ?? 1024 * 1024,
    drainTimeoutMs: options.drainTimeoutMs ?? 30_000,
    sessionWindowMs: options.sessionWindowMs ?? 60_000,
    replayBytes: options.replayBytes ?? 1024 * 1024,
    maxParkedSessions: options.maxParkedSessions ?? 10_000,
    maxParkedBytes: options.maxParkedBytes ?? 256 * 1024 * 1024,
    heartbeatMs: options.heartbeatMs ?? defaultHeartbeatMs,
    deadAfterMs: options.deadAfterMs ?? defaultDeadAfterMs,
    maxMessageBytes: options.maxMessageBytes ?? defaultMaxMessageBytes,
    streamWindowBytes: options.streamWindowBytes ?? defaultMaxWindowBytes,
    maxStreamBytes: options.maxStreamBytes ?? defaultMaxStreamBytes,
  };
}

/** Clients of a server that closes have half of that time to find another, and this at most, in ms. */
export const maxGoawayMs = 30_000;
/** How long `close()` lets calls in flight go on, in ms. */
export const defaultDrainMs = 5_000;
/** How long an HTTP request may take to send its headers, in ms; Node's own default is a minute. */
export const headersTimeoutMs = 8_000;
/** How long a closing socket may take to say goodbye, in ms. */
export const closeTimeoutMs = 5_000;
