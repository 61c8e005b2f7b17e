import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Schema, TautlineError } from "@tautline/core";
import {
  type Clock,
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
import type { Broker, HistoryLimits } from "./broker.ts";
import type { ClientFactory } from "./client-factory.ts";
import type { EventTransformer } from "./event-codec.ts";
import type { Gap } from "./gap.ts";
import type { ServerHub } from "./hub-control.ts";
import type { IdempotencyStore } from "./idempotency.ts";
import type { AllowedOrigins } from "./origin.ts";
import type { SlowPolicy } from "./slow-policy.ts";

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
  /** Bytes waiting in a connection's socket at which its producers pause. Default 1 MiB. Off: `Infinity`. */
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

/** The options of `createHub`. */
export interface HubOptions {
  /** Where events are kept, and how they reach other nodes. Closed with the hub. Default `memoryBroker()`: this process alone. */
  readonly broker?: Broker;
  /** What events are written with; the same on all nodes. Default `rich`. */
  readonly transformer?: EventTransformer;
  /** How long a publish waits for a broker that is away, in ms. Default 5,000. Off: 0. For as long as it takes: `Infinity`. */
  readonly publishWaitMs?: number;
  /** The longest event, as it is written, in bytes. Default 512 KiB. Clients take no more than their server's `maxFrameBytes`. */
  readonly maxEventBytes?: number;
  /** For how long a node that is not heard of counts as there, in ms: its members, its connections. Default 30,000. */
  readonly leaseMs?: number;
  /** Hears of what goes wrong where nobody waits for it. What it throws is left out. Default: `console.error`. Off: `() => {}`. */
  readonly onError?: (error: unknown) => void;
  /** Time, for tests. Default the system's. */
  readonly clock?: Clock;
}

/** What a topic's members are read with. Their ids tell them apart. */
export type MemberSchema = Schema<unknown, { readonly id: string }>;

/** The options of `hub.topic`, the same on all nodes. */
export interface TopicOptions<M extends MemberSchema = MemberSchema> {
  /**
   * How much of each key is kept, for those who come back and for `history`; the oldest go first. Default
   * `{ maxEvents: 1_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 }`; each `Infinity` for no limit. Off: `false`.
   */
  readonly history?: Partial<HistoryLimits> | false;
  /**
   * What is kept of each key, once on each node, for subscribers that do not keep up. Over it the older half is let go. Default
   * `{ maxEvents: 1_000, maxBytes: 1024 * 1024 }`.
   */
  readonly buffer?: { readonly maxEvents?: number; readonly maxBytes?: number };
  /** What becomes of these, unless their subscription says otherwise. Default `"buffer"`. */
  readonly policy?: SlowPolicy;
  /** Checks who is shown by `presence`. Default: `{ id }`, a string. */
  readonly member?: M;
}

/** The options of `topic.publish`. */
export interface PublishEventOptions {
  /** An event that is published again with the same, to the same key, within two minutes is the first one. Default: none. */
  readonly dedupeId?: string;
}

/** The options of `topic.history`. */
export interface HistoryOptions {
  /** The events after this id, from the oldest on. Default: the newest of all. */
  readonly after?: string | undefined;
  /** The events before this id. */
  readonly before?: string | undefined;
  /** So many at most. Default 100; no more than 10,000, nor than 8 MiB. */
  readonly limit?: number;
}

/** The options of `topic.subscribe`. */
export interface SubscribeEventsOptions<Member = unknown, Snapshot = unknown, Told = unknown> {
  /**
   * Begin with what came after this id. Over Tautline a subscription that is started again does so by itself; under tRPC's adapters
   * hand in `input.lastEventId`. Default: with what comes.
   */
  readonly after?: string | null | undefined;
  /**
   * Gives what subscribers get first: a state that has all events up to the id `at`, and none after it. Taken in one turn with `at`
   * where it is synchronous; one that is asynchronous has to know what it is of, and gives `tracked(id, state)`: then events follow
   * from there. Taken again after a gap, and not where a subscription goes on without one.
   */
  readonly snapshot?: (at: string) => Snapshot;
  /** Called with each gap; what it gives, if anything, is an item in that place, and what it throws ends the subscription. */
  readonly onGap?: (gap: Gap) => Told;
  /**
   * Where events come faster than they are taken: `"buffer"`: so many wait, then the older half is a gap. `"latest"`: the newest of
   * each key alone, what is skipped is a gap. `"close"`: as buffer, but then the subscription ends with `TOO_MANY_REQUESTS`.
   * Default: the topic's.
   */
  readonly policy?: SlowPolicy;
  /** Who is shown by `presence` for as long as the subscription lasts. Default: nobody. */
  readonly as?: Member;
  /** Ends the iteration. What a procedure returns needs none. */
  readonly signal?: AbortSignal | undefined;
}

/** What a topic is held to, defaults filled in. */
export interface TopicLimits {
  readonly history: HistoryLimits;
  readonly buffer: { readonly maxEvents: number; readonly maxBytes: number };
  readonly policy: SlowPolicy;
}

export function topicLimits({ history, buffer, policy = "buffer" }: TopicOptions): TopicLimits {
  const kept = history === false ? { maxEvents: 0 } : history;
  return {
    history: { maxEvents: 1_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024, ...kept },
    buffer: { maxEvents: 1_000, maxBytes: 1024 * 1024, ...buffer },
    policy,
  };
}

export const defaultPublishWaitMs = 5_000;
export const defaultMaxEventBytes: number = 512 * 1024;
export const defaultLeaseMs = 30_000;
/** The longest key, in UTF-16 units. */
export const maxKeyLength = 512;
/** Keys of one subscription: its items' ids grow with them. */
export const maxKeys = 100;
/** What `topic.history` gives at a time, in events and bytes. */
export const defaultHistoryLimit = 100;
export const maxHistoryLimit = 10_000;
export const maxHistoryBytes: number = 8 * 1024 * 1024;
