import { TautlineError } from "@tautline/core";
import {
  authenticatedType,
  authType,
  badMessage,
  beatMs,
  Connection,
  type ConnectionHandlers,
  type Deadline,
  encodePlain,
  goawayType,
  helloType,
  type Message,
  mayReconnect,
  needOf,
  normalClosure,
  protocolVersion,
  refusedType,
  Session,
  type SessionMessage,
  silentClosure,
  type WelcomeFields,
  welcomeType,
} from "@tautline/core/internals";
import { WebSocket as DefaultWebSocket } from "#web-socket";
import type { ClientRuntime } from "./client-runtime.ts";
import {
  type ConnectionParams,
  defaultConnectTimeoutMs,
  defaultReplayBytes,
  defaultWindowMs,
  type Provided,
} from "./options.ts";
import { frameOf, openSocket, type WebSocketLike } from "./web-socket.ts";

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
export class ClientSession implements ConnectionHandlers {
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
  /** For the welcome, and then for the next beat. Undefined where there is no connection, and none is being made. */
  #deadline: Deadline | undefined;
  #connection: Connection | undefined;
  /** Whether this connection was welcomed. */
  #online = false;
  #refusal: TautlineError | undefined;
  /** For good: it connects no more, and is heard no more. */
  #over = false;
  /** Each hears what came of new credentials; an error where they were not taken. */
  #authentications: ((error?: TautlineError) => void)[] = [];

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
    return this.#deadline !== undefined;
  }

  connect(): void {
    if (this.#over || this.#deadline !== undefined) return;
    const { deadlines, options } = this.#runtime;
    const { connectTimeoutMs = defaultConnectTimeoutMs, url, connectionParams } = options;
    const deadline = deadlines.add(connectTimeoutMs, () => this.#onLost(connectionClosed("no answer")));
    this.#deadline = deadline;
    Promise.all([provide(url), provide(connectionParams)]).then(
      ([address, params]) => deadline === this.#deadline && this.#open(address, params),
      // It may pass.
      (thrown: unknown) => deadline === this.#deadline && this.#onLost(TautlineError.from(thrown)),
    );
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

  /** Hands the server new credentials for the session. */
  authenticate(params: ConnectionParams): Promise<void> {
    return new Promise((resolve, reject) => {
      const message = encodePlain([authType, params]);
      // First: what ends the connection, also while it is sent, ends the wait.
      this.#authentications.push((error) => (error === undefined ? resolve() : reject(error)));
      this.#connection?.send(message);
    });
  }

  onMessage(message: Message, length: number): void {
    switch (message[0]) {
      case welcomeType:
        this.#expect(false);
        this.#online = true;
        this.#deadline?.cancel();
        this.#beat();
        return this.#onWelcome(message[1]);
      case refusedType:
        this.#expect(false);
        this.#refusal = this.#runtime.values.readError(message[1]);
        return;
      case goawayType:
        this.#expect(true);
        return this.#keeper.onGoaway(this, message[1]);
      case authenticatedType:
        return this.#authentications.shift()?.(
          message[1] === undefined ? undefined : this.#runtime.values.readError(message[1]),
        );
      default:
        // The table of what is taken has nothing else.
        if (this.#connection !== undefined) this.#session.receive(message as SessionMessage, this.#connection, length);
    }
  }

  onFrame(length: number): void {
    // An acknowledgement tells the server that its welcome has come.
    if (this.#online) this.#session.onFrame(length);
  }

  onError(error: TautlineError): void {
    this.#onLost(error, false);
  }

  /** @throws TautlineError `BAD_MESSAGE` for what the server may not say now. */
  #expect(online: boolean): void {
    if (this.#online !== online) throw badMessage("out of its turn");
  }

  #open(address: string | URL, params: ConnectionParams | undefined): void {
    try {
      const hello = this.#hello(params);
      this.#connectOver(openSocket(this.#runtime.options.WebSocket ?? DefaultWebSocket, address), hello);
    } catch (thrown) {
      // An address that is none stays none, and credentials that are too much stay so.
      this.#onLost(TautlineError.from(thrown), false);
    }
  }

  #connectOver(socket: WebSocketLike, hello: string): void {
    const connection = new Connection(socket, this, this.#runtime.reader);
    this.#connection = connection;
    socket.addEventListener("open", () => {
      if (connection !== this.#connection) return;
      connection.send(hello);
      // A new session may follow it at once; one to be resumed waits for the welcome.
      if (!this.#offered) this.#carry(0);
    });
    socket.addEventListener("message", ({ data }) => connection.receive(frameOf(data)));
    socket.addEventListener("close", ({ code, reason }) => {
      if (connection !== this.#connection) return;
      this.#onLost(this.#refusal ?? connectionClosed(`closed (${code} ${reason})`), mayReconnect(code));
    });
    // `close` follows, and says more.
    socket.addEventListener("error", () => {});
  }

  #hello(params: ConnectionParams | undefined): string {
    const { streams, expose } = this.#runtime.options;
    const fields = {
      params,
      client: this.#keeper.client,
      token: this.#token ?? createToken(),
      attempt: ++this.#attempts,
      streams: streams && true,
      serves: expose && true,
      received: this.#offered ? this.#session.received : undefined,
    };
    return encodePlain([helloType, protocolVersion, fields]);
  }

  #onWelcome({ token, received, windowMs = never, store }: WelcomeFields): void {
    this.#expiry?.cancel();
    this.#expiry = undefined;
    if (!this.#session.open) {
      // What the server has counted decides; a session that it does not have is a new one.
      if (received !== undefined && !this.#session.canResume(received)) return this.#startOver();
      if (received === undefined) this.#lose(sessionLost());
      // Whoever heard of that may have dropped the connection.
      if (this.#connection === undefined) return;
      this.#carry(received ?? 0);
    }
    this.#token = token;
    this.#windowMs = windowMs;
    this.#store = store;
    this.#session.acknowledge();
    this.#keeper.onOnline(this);
  }

  #beat(): void {
    const { deadlines, options } = this.#runtime;
    this.#deadline = deadlines.add(beatMs(options), () => {
      this.#beat();
      const need = needOf(this.#connection?.countQuietBeat() ?? 0, options);
      if (need === "ping") this.#session.ping();
      else if (need === "close") this.#onLost(connectionClosed("no sign of life"));
    });
  }

  /** The session goes on over the connection. @param received how many of its messages the server has. */
  #carry(received: number): void {
    this.#offered = true;
    if (this.#connection !== undefined) this.#session.attach(this.#connection, received);
    this.#runtime.end.attach(this.#session);
  }

  #onLost(reason: TautlineError, mayRetry = true): void {
    const refused = this.#refusal !== undefined && this.#session.open;
    this.#close(silentClosure, reason);
    // A server that refuses a new session has started nothing; one to be resumed is where it was.
    if (refused) this.#lose(reason, false);
    else if (this.#token === undefined) this.#lose(reason);
    else if (this.#offered) this.#expiry ??= this.#runtime.deadlines.add(this.#windowMs, () => this.#expire());
    // Whoever heard of what was lost may have closed the client, or connected it again.
    if (!this.#over && !this.connected) this.#keeper.onOffline(this, reason, mayRetry);
  }

  /** Closes the connection, or gives up making one. Only after `normalClosure` the server does not expect the session again. */
  #close(code: number, reason: TautlineError): void {
    const connection = this.#connection;
    this.#deadline?.cancel();
    this.#deadline = undefined;
    this.#connection = undefined;
    this.#online = false;
    this.#refusal = undefined;
    connection?.close(code, "");
    if (connection !== undefined) this.#session.park(connection);
    for (const settle of this.#authentications.splice(0)) settle(reason);
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

async function provide<T>(provided: Provided<T>): Promise<T> {
  return typeof provided === "function" ? await (provided as () => T | Promise<T>)() : provided;
}

export function connectionClosed(message: string): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message });
}

function sessionLost(): TautlineError {
  return new TautlineError({ code: "SESSION_LOST", message: "the session could not be resumed" });
}

/** 192 random bits. */
export function createToken(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24))));
}
