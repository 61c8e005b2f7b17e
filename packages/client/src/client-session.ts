import { TautlineError } from "@tautline/core";
import {
  type Connection,
  type Deadline,
  normalClosure,
  Session,
  silentClosure,
  type WelcomeFields,
} from "@tautline/core/internals";
import type { ClientRuntime } from "./client-runtime.ts";
import { type ConnectionOwner, connectionClosed, DialedConnection } from "./dialed-connection.ts";
import { type ConnectionParams, defaultReplayBytes, defaultWindowMs } from "./options.ts";

const never = Number.POSITIVE_INFINITY;

/** Whoever keeps a client's sessions. */
export interface SessionKeeper {
  /** Names the client, however many sessions it has. */
  readonly client: string;
  onOnline(session: ClientSession): void;
  /** The connection is gone, other than by `disconnect` or `end`; `connect` makes another. */
  onOffline(session: ClientSession, reason: TautlineError, mayRetry: boolean): void;
  /** The server wants to be left within so many ms. */
  onGoaway(session: ClientSession, withinMs: number): void;
}

/**
 * The client's end of one session after the other, over one connection after the other: opens a session, resumes it, and starts a new
 * one where it was lost.
 */
export class ClientSession implements ConnectionOwner {
  readonly #runtime: ClientRuntime;
  readonly #keeper: SessionKeeper;
  /** What is attached to the connection, once the server knows of it there. */
  #session: Session;
  /** The client's own choice for a new session, so that one whose welcome was lost can be resumed too. */
  #token: string | undefined;
  /** Whether the server may know the session. */
  #offered = false;
  #windowMs = defaultWindowMs;
  /** What remembers the session's mutations. */
  #store: string | undefined;
  #expiry: Deadline | undefined;
  #attempts = 0;
  /** The one that there is, or is being made. */
  #connection: DialedConnection | undefined;
  /** For good: it connects no more. */
  #over = false;

  constructor(runtime: ClientRuntime, keeper: SessionKeeper) {
    this.#runtime = runtime;
    this.#keeper = keeper;
    this.#session = this.#start();
  }

  get session(): Session {
    return this.#session;
  }

  /** Whether there is a connection, or one is being made. */
  get connected(): boolean {
    return this.#connection !== undefined;
  }

  connect(): void {
    if (this.#over || this.connected) return;
    const { streams, expose } = this.#runtime.options;
    this.#connection = new DialedConnection(this.#runtime, this);
    this.#connection.dial({
      client: this.#keeper.client,
      token: this.#token ?? createToken(),
      attempt: ++this.#attempts,
      received: this.#offered ? this.#session.received : undefined,
      streams: streams && true,
      serves: expose && true,
    });
  }

  /** Drops the connection; the session can be resumed. */
  disconnect(): void {
    this.#close(silentClosure, connectionClosed("dropped"));
  }

  /** Ends the session, and lets go of its calls: see `OutgoingCalls.detach`. */
  drop(reason: TautlineError): void {
    this.#close(normalClosure, reason);
    this.#lose(reason);
  }

  /** Ends the session, at the server too. */
  end(): void {
    this.#over = true;
    this.#close(normalClosure, connectionClosed("closed"));
    this.#expiry?.cancel();
    this.#session.lose();
  }

  /** Hands the server new credentials for the session. Undefined where it is not online. */
  authenticate(params: ConnectionParams): Promise<void> | undefined {
    return this.#connection?.authenticate(params);
  }

  /** A new session may follow hello at once; one to be resumed waits for the welcome. */
  onOpen(connection: Connection): void {
    if (!this.#offered) this.#carry(connection, 0);
  }

  onWelcome({ token, received, windowMs = never, store }: WelcomeFields, connection: Connection): void {
    this.#expiry?.cancel();
    this.#expiry = undefined;
    if (!this.#session.open) {
      // What the server has counted decides; a session that it does not have is a new one.
      if (received !== undefined && !this.#session.canResume(received)) return this.#startOver();
      if (received === undefined) this.#lose(sessionLost());
      // Whoever heard of that may have dropped the connection.
      if (!connection.open) return;
      this.#carry(connection, received ?? 0);
    }
    this.#token = token;
    this.#windowMs = windowMs;
    this.#store = store;
    this.#session.acknowledge();
    this.#keeper.onOnline(this);
  }

  onGoaway(withinMs: number): void {
    this.#keeper.onGoaway(this, withinMs);
  }

  onLost(reason: TautlineError, mayRetry: boolean, refused: boolean): void {
    const { open } = this.#session;
    this.#close(silentClosure, reason);
    // A server that refuses a new session has started nothing; one to be resumed is where it was.
    if (refused && open) this.#lose(reason, false);
    else if (this.#token === undefined) this.#lose(reason);
    else if (this.#offered) this.#expiry ??= this.#runtime.deadlines.add(this.#windowMs, () => this.#expire());
    // Whoever heard of what was lost may have closed the client, or connected it again.
    if (!this.#over && !this.connected) this.#keeper.onOffline(this, reason, mayRetry);
  }

  /** The session goes on over the connection. @param received how many of its messages the server has. */
  #carry(connection: Connection, received: number): void {
    this.#offered = true;
    this.#session.attach(connection, received);
    this.#runtime.end.attach(this.#session);
  }

  /** Only after `normalClosure` the server does not expect the session again. */
  #close(code: number, reason: TautlineError): void {
    const dialed = this.#connection;
    this.#connection = undefined;
    const connection = dialed?.close(code, reason);
    if (connection !== undefined) this.#session.park(connection);
  }

  #start(): Session {
    this.#token = createToken();
    this.#offered = false;
    this.#store = undefined;
    this.#expiry?.cancel();
    this.#expiry = undefined;
    const { end, options } = this.#runtime;
    const { streams, expose, replayBytes = defaultReplayBytes } = options;
    const Kind = (streams ?? expose)?.Session ?? Session;
    return new Kind({ onMessage: (message, session, length) => end.receive(message, session, length) }, replayBytes);
  }

  /** The server has resumed what cannot go on here: it is told that the session is over. */
  #startOver(): void {
    this.drop(sessionLost());
    this.connect();
  }

  /** The session is over, at the server too; the next connection opens a new one. */
  #lose(reason: TautlineError, started = true): void {
    const lost = this.#session;
    const store = this.#store;
    lost.lose();
    this.#session = this.#start();
    this.#runtime.end.detach(lost, reason, { started, store });
  }

  /** Whoever is being asked for the session may still have it. */
  #expire(): void {
    if (this.connected) this.#startOver();
    else this.#lose(sessionLost());
  }
}

function sessionLost(): TautlineError {
  return new TautlineError({ code: "SESSION_LOST", message: "the session could not be resumed" });
}

/** 192 random bits. */
export function createToken(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24))));
}
