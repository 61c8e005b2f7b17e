import type { IncomingMessage } from "node:http";
import type { TautlineError } from "@tautline/core";
import {
  type Beating,
  badMessage,
  Connection,
  type ConnectionHandlers,
  closeCode,
  type Deadline,
  decodeBinaryFrame,
  encodeMessage,
  everyMessage,
  type HelloFields,
  type HelloMessage,
  isSessionMessage,
  type Message,
  messageType,
  parseStrictly,
  protocolVersion,
  type WelcomeFields,
} from "@tautline/core/internals";
import { TRPCError } from "@trpc/server";
import type { CallScope } from "./call-scope.ts";
import { ConnectionContexts, type ContextHost, connectionGone } from "./connection-contexts.ts";
import { ContextRenewals, type RenewedConnection } from "./context-renewals.ts";
import { asTRPCError } from "./dispatch-error.ts";
import { type Draining, DrainProgress } from "./drain-watch.ts";
import { ServerSession, type SessionHost, sessionLost } from "./server-session.ts";
import type { ServerSocket } from "./server-socket.ts";
import { toTRPCError } from "./trpc-error.ts";
import { keptSession } from "./welcome.ts";

/** What a server's connections share. */
export interface ConnectionHost extends SessionHost, ContextHost {
  readonly identify: ((ctx: unknown) => string | undefined) | undefined;
  /** The session that a token of this identity is for. */
  findSession(token: string, identity: string | undefined): ServerSession | undefined;
  /**
   * A session is open on this connection; one that it had before is closed.
   *
   * @param used the token that the client has shown.
   * @returns its newer token; undefined where sessions are not kept.
   */
  claimSession(session: ServerSession, connection: ServerConnection, used: string | undefined): string | undefined;
  /** A session stands on its connection: whoever hears of it may disconnect it, or close the server. */
  onWelcomed(session: ServerSession, type: "opened" | "resumed"): void;
  /** The client has shown that it knows the session's newer token. */
  confirmToken(session: ServerSession): void;
  /** A session has lost its connection, and may be resumed. */
  parkSession(session: ServerSession): void;
  onClosed(connection: ServerConnection): void;
}

type Phase = "greeting" | "opening" | "open" | "closed";

/** The server's end of one connection: hello, context, welcome; then it carries its session's messages. */
export class ServerConnection implements ConnectionHandlers, RenewedConnection, Beating, Draining {
  readonly request: IncomingMessage;
  readonly contexts: ConnectionContexts;
  readonly #host: ConnectionHost;
  readonly #socket: ServerSocket;
  readonly #connection: Connection;
  readonly #progress = new DrainProgress();
  readonly #openedAt: number;
  #hello: HelloFields = {};
  #session: ServerSession | undefined = undefined;
  #phase: Phase = "greeting";
  /** How much has come before the context stood, in bytes, and UTF-16 units of text. */
  #early = 0;
  #confirmed = false;
  #renewals: ContextRenewals | undefined = undefined;
  #deadline: Deadline;

  constructor(host: ConnectionHost, socket: ServerSocket, request: IncomingMessage) {
    this.#host = host;
    this.#socket = socket;
    this.request = request;
    this.contexts = new ConnectionContexts(host, request);
    this.#openedAt = host.dispatch.clock.now();
    this.#connection = new Connection(socket, this, {
      parse: (text) => parseStrictly(text, host.limits.maxDepth),
      table: everyMessage,
      decodeBinary: decodeBinaryFrame,
      turn: () => host.dispatch.turn(),
    });
    this.#deadline = this.#startDeadline();
    socket.listen({
      onFrame: (frame) => this.#connection.receive(frame),
      onClosed: (code) => this.#onClosed(code),
    });
  }

  /** The session that goes over this connection; undefined before its welcome, and after another connection has it. */
  get session(): ServerSession | undefined {
    return this.#phase === "open" ? this.#session : undefined;
  }

  onMessage(message: Message, length: number): void {
    if (this.#phase === "greeting") {
      if (message[0] !== messageType.hello) throw badMessage("the first message is hello");
      this.#onHello(message);
    } else if (isSessionMessage(message)) {
      if (this.#session === undefined) throw badMessage("a resume waits for the welcome");
      if (message[0] === messageType.ack) this.#confirm();
      this.#session.session.receive(message, this.#connection, length);
    } else if (message[0] === messageType.auth && this.#phase === "open") {
      this.#renewals ??= new ContextRenewals(this.#host, this);
      this.#renewals.add(message[1]);
    } else {
      throw badMessage("only the first message is hello");
    }
  }

  onFrame(length: number): void {
    if (this.#phase === "open") this.#session?.session.onFrame(length);
    else this.#onEarly(length);
  }

  /** Calls wait for their context; what is more than may come in one frame waits in the socket, for nobody knows yet whose it is. */
  #onEarly(length: number): void {
    this.#early += length;
    if (this.#early > this.#host.limits.maxFrameBytes) this.#socket.pause();
  }

  onError(error: TautlineError): void {
    this.#report(toTRPCError(error));
    // Whoever breaks the protocol does not get to go on where it did.
    this.#session?.lose(sessionLost("the protocol was broken"));
  }

  /** Before the welcome there are deadlines, and nobody to ask. */
  countQuietBeat(): number {
    return this.#phase === "open" ? this.#connection.countQuietBeat() : 0;
  }

  ping(): void {
    this.#session?.session.ping();
  }

  /** Half-open: the session waits for the client, whose next connection may be there before the old socket's end is. */
  onSilent(): void {
    this.#socket.terminate();
  }

  /** The system, and what lies between, may take much that nobody reads; but whoever reads acknowledges. */
  countStuckLook(): number {
    return this.#progress.look(this.#socket.taken, this.#session?.session.awaited);
  }

  /** A word of goodbye would not get through either. The session waits for its client, as after any cut. */
  onStuck(): void {
    this.#socket.terminate();
  }

  /** Declines new calls, and goes when nothing of the client's runs any more; `withinMs` is for the client to find another. */
  drain(withinMs: number): void {
    const session = this.#session;
    if (this.#phase !== "open" || session === undefined) return this.close();
    session.onIdle = () => this.close();
    session.drain(this.#connection, withinMs);
  }

  /** The server is going away, the session with it. Who was not welcomed hears that nothing was started. */
  close(): void {
    if (this.#phase !== "open") {
      const error = new TRPCError({ code: "SERVICE_UNAVAILABLE", message: "the server is closing" });
      this.#sendError(messageType.refused, error);
    }
    this.#connection.close(closeCode.goingAway, "server closing");
    this.#session?.lose(sessionLost("the server is closing"));
  }

  /** The application has done with whoever it is. */
  disconnect(): void {
    this.#connection.close(closeCode.disconnected, "disconnected");
    this.#session?.lose(disconnected());
  }

  /** A newer connection carries the session, or its client has gone on over one. */
  supersede(): void {
    this.#session = undefined;
    this.#connection.close(closeCode.superseded, "superseded");
  }

  #onHello([, version, fields]: HelloMessage): void {
    if (version !== protocolVersion) throw badMessage(`version ${version} is not known here`);
    this.#phase = "opening";
    this.#hello = fields;
    this.#deadline.cancel();
    this.#deadline = this.#startDeadline();
    // Calls may follow at once, but for a session that is to be resumed: there what was sent before goes first.
    if (fields.received === undefined) this.#begin();
    // Settled by its own catch, whatever createContext does.
    void this.#open(fields.params);
  }

  async #open(params: unknown): Promise<void> {
    try {
      const ctx: unknown = await this.contexts.create(params);
      if (!this.#awaitsContext) return;
      const identity = this.#host.identify?.(ctx);
      if (this.#awaitsContext) this.#onContext(ctx, identity);
    } catch (thrown) {
      this.#refuse(asTRPCError(thrown));
    }
  }

  /** Meanwhile it may have been closed: for being slow, for what came after hello, by whoever makes the context. */
  get #awaitsContext(): boolean {
    return this.#phase === "opening" && this.#connection.open;
  }

  #onContext(ctx: unknown, identity: string | undefined): void {
    this.#deadline.cancel();
    const { token, received, attempt } = this.#hello;
    const known = token === undefined || received === undefined ? undefined : this.#host.findSession(token, identity);
    // Its hello was slow: the client has long gone on over another connection.
    if (known !== undefined && attempt !== undefined && attempt <= known.attempt) return this.supersede();
    if (known?.session.canResume(received ?? 0) === true) return this.#resume(known, ctx, received ?? 0);
    known?.lose(sessionLost("what the client lacks is no longer kept"));
    this.#startSession(ctx, identity);
  }

  /** A new one, which may have calls already. */
  #startSession(ctx: unknown, identity: string | undefined): void {
    const { token, received, attempt, serves, client } = this.#hello;
    const session = this.#session ?? this.#begin();
    session.claim(identity, client);
    session.attempt = attempt ?? 0;
    session.serves = serves === true;
    // What a client asked to resume in vain stays unknown: the token that it showed is not this session's.
    this.#welcome(session, {}, received === undefined ? token : undefined);
    this.contexts.bind(session);
    this.#host.onWelcomed(session, "opened");
    session.start(ctx);
  }

  #resume(session: ServerSession, ctx: unknown, received: number): void {
    session.renew(ctx, this.request);
    session.attempt = this.#hello.attempt ?? 0;
    this.#welcome(session, { received: session.session.received }, this.#hello.token);
    this.#session = session;
    session.session.attach(this.#connection, received, this.#socket);
    this.contexts.bind(session);
    this.#host.onWelcomed(session, "resumed");
  }

  #begin(): ServerSession {
    const session = new ServerSession(this.#host, this.request, this.#hello.streams === true, this.#openedAt);
    this.#session = session;
    session.session.attach(this.#connection, 0, this.#socket);
    return session;
  }

  #welcome(session: ServerSession, fields: WelcomeFields, used: string | undefined): void {
    this.#phase = "open";
    this.#socket.resume();
    const token = this.#host.claimSession(session, this, used);
    const kept = keptSession(token, this.#host.limits.sessionWindowMs);
    this.#connection.send(encodeMessage([messageType.welcome, { ...fields, ...kept, store: session.store }]));
  }

  /** A client acknowledges once it is welcomed: by that alone, for its calls may be older than the welcome. */
  #confirm(): void {
    if (this.#confirmed || this.#phase !== "open" || this.#session === undefined) return;
    this.#confirmed = true;
    this.#host.confirmToken(this.#session);
  }

  onRenewed(error?: TRPCError): void {
    if (error === undefined) return this.#connection.send(encodeMessage([messageType.authenticated]));
    this.#report(error);
    this.#sendError(messageType.authenticated, error);
  }

  #refuse(error: TRPCError): void {
    if (this.#phase !== "opening") return;
    this.#report(error);
    this.#sendError(messageType.refused, error);
    this.#connection.close(refusalCode(error), error.code);
  }

  #report(error: TRPCError): void {
    this.#host.dispatch.report(error, undefined, this.#scope);
  }

  #sendError(type: typeof messageType.refused | typeof messageType.authenticated, error: TRPCError): void {
    const send = (shape: unknown): void => this.#connection.send(encodeMessage([type, shape]));
    this.#host.dispatch.tell(error, undefined, this.#scope, send);
  }

  get #scope(): CallScope {
    return this.#session?.scope ?? { ctx: undefined, req: this.request };
  }

  #startDeadline(): Deadline {
    const { deadlines, limits } = this.#host;
    return deadlines.add(limits.helloTimeoutMs, () => this.#connection.close(closeCode.helloTimeout, "too slow"));
  }

  #onClosed(code: number): void {
    // A client that says goodbye, as a page does that is left, does not come back; nor does one that was never welcomed.
    const ended = this.#phase !== "open" || closeCode.endsSession(code);
    this.#phase = "closed";
    this.#deadline.cancel();
    this.#connection.onClosed();
    const session = this.#session;
    if (session?.session.park(this.#connection) === true) {
      if (ended) session.lose(connectionGone());
      else this.#host.parkSession(session);
    }
    this.contexts.close();
    this.#host.onClosed(this);
  }
}

/** Why a session is lost that the application has ended. */
export function disconnected(): TautlineError {
  return sessionLost("disconnected by the application");
}

function refusalCode(error: TRPCError): number {
  if (error.code === "UNAUTHORIZED") return closeCode.unauthorized;
  if (error.code === "FORBIDDEN") return closeCode.forbidden;
  return error.code === "PARSE_ERROR" ? closeCode.badMessage : closeCode.contextFailed;
}
