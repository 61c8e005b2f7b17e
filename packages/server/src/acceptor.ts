import type { IncomingMessage } from "node:http";
import { type Contract, checkContract, type TautlineError } from "@tautline/core";
import { type Clock, Deadlines, Heartbeat, type Values } from "@tautline/core/internals";
import type { AnyTRPCRouter } from "@trpc/server";
import { Dispatch } from "./dispatch.ts";
import { DrainWatch } from "./drain-watch.ts";
import type { ControlledServer, ServerHub } from "./hub-control.ts";
import {
  type CreateContextOptions,
  type ErrorReport,
  maxGoawayMs,
  type ServeOptions,
  type ServerLimits,
  type SessionEvent,
  serverLimits,
} from "./options.ts";
import { type ConnectionHost, disconnected, ServerConnection } from "./server-connection.ts";
import { type ServerSession, sessionLost } from "./server-session.ts";
import type { ServerSocket } from "./server-socket.ts";
import { SessionRegistry } from "./session-registry.ts";
import { unheard } from "./thenable.ts";
import { checkTransformer } from "./transformer-check.ts";

/** Takes sockets, wherever they come from, and keeps sessions over them. */
export class Acceptor implements ConnectionHost, ControlledServer {
  readonly dispatch: Dispatch;
  readonly deadlines: Deadlines;
  readonly limits: ServerLimits;
  readonly createContext: ((options: CreateContextOptions) => unknown) | undefined;
  readonly identify: ((ctx: unknown) => string | undefined) | undefined;
  readonly values: Values;
  readonly #heartbeat: Heartbeat;
  readonly #drainWatch: DrainWatch;
  readonly #registry: SessionRegistry;
  readonly #hub: ServerHub | undefined;
  readonly #onSession: ((event: SessionEvent) => void) | undefined;
  /** Those of clients that were found sound. */
  readonly #clientContracts = new WeakSet<Contract>();
  readonly #connections = new Set<ServerConnection>();
  /** The connection that each session goes over. */
  readonly #carriers = new Map<ServerSession, ServerConnection>();
  #closing = false;
  #onEmpty: (() => void) | undefined = undefined;

  constructor(options: ServeOptions<AnyTRPCRouter>, clock: Clock) {
    this.limits = serverLimits(options);
    this.createContext = options.createContext;
    this.identify = options.identify;
    this.#onSession = options.onSession;
    this.deadlines = new Deadlines(clock);
    this.dispatch = new Dispatch({
      router: options.router,
      errorDetail: options.errorDetail ?? "deliberate",
      onError: options.onError ?? logUnexpected,
      clock,
      idempotency: options.idempotency,
      maxFrameBytes: this.limits.maxFrameBytes,
    });
    this.values = this.dispatch.values;
    this.#registry = new SessionRegistry(this.limits, this.deadlines, () => clock.now());
    this.#heartbeat = new Heartbeat(this.deadlines, this.limits, () => this.#connections);
    this.#drainWatch = new DrainWatch(this.deadlines, this.limits.drainTimeoutMs, this.#connections);
    this.#hub = options.hub;
    this.#hub?.attach(this);
    // Last: a hub that is closed throws, and no timer is to be left then.
    this.#heartbeat.start();
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Sessions without a connection that are kept. */
  get parkedSessions(): number {
    return this.#registry.parked;
  }

  /** What they keep, in UTF-16 units. */
  get parkedLength(): number {
    return this.#registry.parkedLength;
  }

  /** Takes a socket that is open. */
  accept(socket: ServerSocket, request: IncomingMessage): void {
    this.#connections.add(new ServerConnection(this, socket, request));
    this.#drainWatch.start();
  }

  disconnect(identity: string): void {
    for (const [session, connection] of this.#carriers) if (session.identity === identity) connection.disconnect();
    for (const session of this.#registry.parkedOf(identity)) session.lose(disconnected());
  }

  /** Drains every connection, see `TautlineServer.close`; resolves when all are gone, and with them every session. */
  async close(drainMs: number): Promise<void> {
    this.#closing = true;
    await this.#drain(drainMs);
    this.#hub?.detach(this);
    this.#registry.clear();
    this.#heartbeat.stop();
    this.deadlines.clear();
  }

  checkClientContract(contract: Contract): void {
    if (this.#clientContracts.has(contract)) return;
    checkContract(contract);
    checkTransformer(contract, this.dispatch.transformer, "input");
    this.#clientContracts.add(contract);
  }

  findSession(token: string, identity: string | undefined): ServerSession | undefined {
    const session = this.#registry.find(token);
    return session?.identity === identity ? session : undefined;
  }

  claimSession(session: ServerSession, connection: ServerConnection, used: string | undefined): string | undefined {
    const carrier = this.#carriers.get(session);
    this.#carriers.set(session, connection);
    if (carrier !== connection) carrier?.supersede();
    this.#registry.unpark(session);
    return this.limits.sessionWindowMs > 0 ? this.#registry.renew(session, used) : undefined;
  }

  onWelcomed(session: ServerSession, type: "opened" | "resumed"): void {
    this.#tell({ type, identity: session.identity });
  }

  confirmToken(session: ServerSession): void {
    this.#registry.confirm(session);
  }

  parkSession(session: ServerSession): void {
    this.#carriers.delete(session);
    if (this.limits.sessionWindowMs <= 0 || this.#closing) {
      session.lose(sessionLost("sessions are not kept"));
      return;
    }
    this.#registry.park(session);
    // Whoever hears of it may disconnect the session. One that found no place is lost already.
    if (this.#registry.isParked(session)) this.#tell({ type: "parked", identity: session.identity });
  }

  onKept(session: ServerSession): void {
    this.#registry.onKept(session);
  }

  onLost(session: ServerSession, reason: TautlineError, opened: boolean): void {
    // One that a newer connection has asked for, and cannot go on with.
    this.#carriers.get(session)?.supersede();
    this.#carriers.delete(session);
    this.#registry.delete(session);
    if (opened) this.#tell({ type: "lost", identity: session.identity, reason });
  }

  onClosed(connection: ServerConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #tell(event: SessionEvent): void {
    try {
      unheard(this.#onSession?.(event));
    } catch {}
  }

  #drain(drainMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    this.deadlines.add(drainMs, () => {
      for (const connection of this.#connections) connection.close();
    });
    for (const connection of this.#connections) connection.drain(Math.floor(Math.min(drainMs / 2, maxGoawayMs)));
    return empty;
  }
}

function logUnexpected({ error, path }: ErrorReport<unknown>): void {
  // oxlint-disable-next-line no-console -- the documented default: an error that nobody hears of is worse
  if (error.code === "INTERNAL_SERVER_ERROR") console.error(`tautline: ${path ?? "connection"}:`, error.cause ?? error);
}
