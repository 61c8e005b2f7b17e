import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import type { AnyTRPCRouter } from "@trpc/server";
import { Acceptor } from "./acceptor.ts";
import { systemClock } from "./clock.ts";
import { type HandshakeRules, refusalStatus, refuseUpgrade, requestPath } from "./handshake.ts";
import { defaultDrainMs, type ServeOptions } from "./options.ts";
import { claimPath, ownsPath } from "./server-paths.ts";
import { Upgrader } from "./web-socket.ts";

/** A server that runs. */
export interface TautlineServer {
  /** Where clients connect to: `ws://localhost:3000/`. */
  readonly url: string;
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Sessions without a connection that are kept for a resume. */
  readonly parkedSessions: number;
  /**
   * Stops listening, declines new calls (a client makes them again elsewhere), tells clients to have another connection within half
   * of `drainMs`, lets what is in flight finish, and closes each connection when nothing runs on it; those still busy after
   * `drainMs` (default 5,000) are closed all the same. Resolves when all are gone. An HTTP server that was handed in goes on.
   */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** Takes WebSockets from an HTTP server. */
export class Server implements TautlineServer {
  readonly #http: HttpServer;
  readonly #ownsHttp: boolean;
  readonly #path: string;
  readonly #hostname: string | undefined;
  readonly #rules: HandshakeRules;
  readonly #upgrader: Upgrader;
  readonly #acceptor: Acceptor;
  readonly #onUpgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => void;
  #closing: Promise<void> | undefined = undefined;

  constructor(options: ServeOptions<AnyTRPCRouter>, http: HttpServer) {
    this.#http = http;
    this.#ownsHttp = options.server === undefined;
    this.#path = options.path ?? "/";
    this.#hostname = options.host;
    claimPath(http, this.#path, this);
    this.#rules = { allowedOrigins: options.allowedOrigins, requireOrigin: options.requireOrigin ?? false };
    this.#acceptor = new Acceptor(options, systemClock);
    this.#upgrader = new Upgrader(this.#acceptor.limits);
    this.#onUpgrade = (request, stream, head) => this.#upgrade(request, stream, head);
    http.on("upgrade", this.#onUpgrade);
  }

  /** Whether it takes no more clients. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  get url(): string {
    const host = this.#hostname === undefined || isWildcard(this.#hostname) ? "localhost" : this.#hostname;
    const scheme = this.#http instanceof TlsServer ? "wss" : "ws";
    return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${this.port}${this.#path}`;
  }

  get port(): number {
    // A server on a pipe has a string for an address; one that is not listening has none.
    const address = this.#http.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get connections(): number {
    return this.#acceptor.connections;
  }

  get parkedSessions(): number {
    return this.#acceptor.parkedSessions;
  }

  close({ drainMs = defaultDrainMs }: { drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    if (requestPath(request) !== this.#path) return this.#leaveToOthers(stream);
    if (!ownsPath(this.#http, this.#path, this)) return;
    const status = this.#closing === undefined ? refusalStatus(request, this.#rules) : 503;
    if (status !== undefined) return refuseUpgrade(stream, status);
    this.#upgrader.upgrade(request, stream, head, (socket) => {
      this.#acceptor.accept(socket, request);
    });
  }

  /** Somebody else on a shared server may know the path. What nobody begins to read would hang for good. */
  #leaveToOthers(stream: Duplex): void {
    if (this.#http.listenerCount("upgrade") === 1) return refuseUpgrade(stream, 404);
    // Node's own listener is gone by now: a client that is gone too would end the process where nobody takes the stream.
    stream.on("error", () => {});
    const { deadlines, limits } = this.#acceptor;
    deadlines.add(limits.helloTimeoutMs, () => {
      if (stream.readableFlowing === null && stream.writable) refuseUpgrade(stream, 404);
    });
  }

  async #close(drainMs: number): Promise<void> {
    const stopped = this.#ownsHttp ? new Promise<void>((resolve) => this.#http.close(() => resolve())) : undefined;
    await this.#acceptor.close(drainMs);
    this.#http.off("upgrade", this.#onUpgrade);
    if (this.#ownsHttp) this.#http.closeAllConnections();
    await stopped;
  }
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
