import type { IncomingMessage, Server as HttpServer } from "node:http";
import { defaultMaxCalls, defaultMaxDepth, defaultMaxFrameBytes, defaultMaxSubscriptions } from "@tautline/core/internals";
import type { AnyTRPCRouter, CreateContextCallback, inferRouterContext, TRPCError, TRPCProcedureType } from "@trpc/server";
import type { TRPCRequestInfo } from "@trpc/server/http";
import type { AllowedOrigins } from "./origin.ts";

/** What `createContext` gets, as in tRPC. */
export interface CreateContextOptions {
  /** The request that opened the connection, with its headers, cookies and address. */
  readonly req: IncomingMessage;
  /** `connectionParams` are the client's, `signal` fires when the connection is gone. */
  readonly info: TRPCRequestInfo;
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
  /** An HTTP server of yours to share: upgrades on `path` are taken, everything else is left to you. You close it. */
  readonly server?: HttpServer;
  /** The path to connect to. Default `/`. */
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
  /** How deep a frame's JSON may nest. Default 64. */
  readonly maxDepth?: number;
  /** Queries and mutations in flight on one connection. Default 1,000. Off: `Infinity`. */
  readonly maxCalls?: number;
  /** Subscriptions on one connection. Default 1,000. Off: `Infinity`. */
  readonly maxSubscriptions?: number;
  /** Bytes waiting in a connection's socket at which its producers pause. Default 1 MiB. Off: `Infinity`. */
  readonly highWaterBytes?: number;
}

export type ServeOptions<Router extends AnyTRPCRouter> = ServeBaseOptions<Router> &
  CreateContextCallback<inferRouterContext<Router>, CreateContext<Router>>;

/** What each connection is held to, defaults filled in. */
export interface ConnectionLimits {
  readonly helloTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly maxDepth: number;
  readonly maxCalls: number;
  readonly maxSubscriptions: number;
  readonly highWaterBytes: number;
}

export function connectionLimits(options: Partial<ConnectionLimits>): ConnectionLimits {
  return {
    helloTimeoutMs: options.helloTimeoutMs ?? 5_000,
    maxFrameBytes: options.maxFrameBytes ?? defaultMaxFrameBytes,
    maxDepth: options.maxDepth ?? defaultMaxDepth,
    maxCalls: options.maxCalls ?? defaultMaxCalls,
    maxSubscriptions: options.maxSubscriptions ?? defaultMaxSubscriptions,
    highWaterBytes: options.highWaterBytes ?? 1024 * 1024,
  };
}

/** How long `close()` lets calls in flight go on, in ms. */
export const defaultDrainMs = 5_000;
/** How long an HTTP request may take to send its headers, in ms; Node's own default is a minute. */
export const headersTimeoutMs = 8_000;
/** How long a closing socket may take to say goodbye, in ms. */
export const closeTimeoutMs = 5_000;
