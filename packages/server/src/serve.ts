import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Deadlines } from "@tautline/core/internals";
import type { AnyTRPCRouter } from "@trpc/server";
import { systemClock } from "./clock.ts";
import { Dispatch } from "./dispatch.ts";
import { type HandshakeRules, refusalStatus, refuseUpgrade, requestPath } from "./handshake.ts";
import {
  type ConnectionLimits,
  connectionLimits,
  type CreateContextOptions,
  defaultDrainMs,
  type ErrorReport,
  headersTimeoutMs,
  type ServeOptions,
} from "./options.ts";
import { type ConnectionHost, ServerConnection } from "./server-connection.ts";
import { Upgrader } from "./web-socket.ts";

/** A server that runs. */
export interface TautlineServer {
  /** Where clients connect to: `ws://localhost:3000/`. */
  readonly url: string;
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /**
   * Stops listening, refuses new calls, lets queries and mutations in flight finish, and closes every connection; those still
   * busy after `drainMs` (default 5,000) are closed all the same. Resolves when all are gone. An HTTP server that was handed in
   * goes on without it.
   */
  close(options?: { drainMs?: number }): Promise<void>;
}

/**
 * Serves a tRPC router (one built from a contract is one) over WebSockets. Resolves when it listens.
 *
 * @throws what listening throws: `EADDRINUSE` and the like.
 */
export async function serve<Router extends AnyTRPCRouter>(options: ServeOptions<Router>): Promise<TautlineServer> {
  const own = options.server === undefined;
  const http = options.server ?? createHttpServer();
  const server = new Server(options, http, own);
  if (own) await listen(http, options.port ?? 0, options.host);
  return server;
}

class Server implements TautlineServer, ConnectionHost {
  readonly dispatch: Dispatch;
  readonly deadlines: Deadlines = new Deadlines(systemClock);
  readonly limits: ConnectionLimits;
  readonly createContext: ((options: CreateContextOptions) => unknown) | undefined;
  readonly #http: HttpServer;
  readonly #own: boolean;
  readonly #path: string;
  readonly #host: string | undefined;
  readonly #rules: HandshakeRules;
  readonly #upgrader: Upgrader;
  readonly #connections = new Set<ServerConnection>();
  readonly #onUpgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => void;
  #closing: Promise<void> | undefined = undefined;
  #onEmpty: (() => void) | undefined = undefined;

  constructor(options: ServeOptions<AnyTRPCRouter>, http: HttpServer, own: boolean) {
    this.limits = connectionLimits(options);
    this.createContext = options.createContext;
    this.dispatch = new Dispatch({
      router: options.router,
      errorDetail: options.errorDetail ?? "deliberate",
      onError: options.onError ?? logUnexpected,
      clock: systemClock,
    });
    this.#http = http;
    this.#own = own;
    this.#path = options.path ?? "/";
    this.#host = options.host;
    this.#rules = { allowedOrigins: options.allowedOrigins, requireOrigin: options.requireOrigin ?? false };
    this.#upgrader = new Upgrader(this.limits);
    this.#onUpgrade = (request, stream, head) => this.#upgrade(request, stream, head);
    http.on("upgrade", this.#onUpgrade);
  }

  get url(): string {
    const host = this.#host === undefined || isWildcard(this.#host) ? "localhost" : this.#host;
    return `ws://${host.includes(":") ? `[${host}]` : host}:${this.port}${this.#path}`;
  }

  get port(): number {
    // A server on a pipe has a string for an address; one that is not listening has none.
    const address = this.#http.address() as AddressInfo | string | null;
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get connections(): number {
    return this.#connections.size;
  }

  close({ drainMs = defaultDrainMs }: { drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  onClosed(connection: ServerConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    if (requestPath(request) !== this.#path) {
      // Somebody else on a shared server may know the path; where nobody else listens the request would hang for good.
      if (this.#http.listenerCount("upgrade") === 1) refuseUpgrade(stream, 404);
      return;
    }
    const status = this.#closing === undefined ? refusalStatus(request, this.#rules) : 503;
    if (status !== undefined) return refuseUpgrade(stream, status);
    this.#upgrader.upgrade(request, stream, head, (socket) => {
      this.#connections.add(new ServerConnection(this, socket, request));
    });
  }

  async #close(drainMs: number): Promise<void> {
    const stopped = this.#own ? new Promise<void>((resolve) => this.#http.close(() => resolve())) : undefined;
    const empty = this.#drain(drainMs);
    await empty;
    this.#http.off("upgrade", this.#onUpgrade);
    this.deadlines.clear();
    if (this.#own) this.#http.closeAllConnections();
    await stopped;
  }

  #drain(drainMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    this.deadlines.add(drainMs, () => {
      for (const connection of this.#connections) connection.close();
    });
    for (const connection of this.#connections) connection.drain();
    return empty;
  }
}

/** Answers what is no upgrade: 426 says which protocol is spoken here (RFC 9110, section 15.5.22). */
function createHttpServer(): HttpServer {
  const options = { headersTimeout: headersTimeoutMs, requestTimeout: headersTimeoutMs, connectionsCheckingInterval: 1_000 };
  return createServer(options, (request, response) => {
    const status = request.method === "GET" || request.method === "HEAD" ? 426 : 405;
    response.writeHead(status, { connection: "close", upgrade: "websocket" }).end();
  });
}

function listen(http: HttpServer, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen({ port, ...(host !== undefined && { host }) }, () => {
      http.off("error", reject);
      resolve();
    });
  });
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function logUnexpected({ error, path }: ErrorReport<unknown>): void {
  if (error.code === "INTERNAL_SERVER_ERROR") console.error(`tautline: ${path ?? "connection"}:`, error.cause ?? error);
}
