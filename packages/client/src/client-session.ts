import { TautlineError } from "@tautline/core";
import {
  authType,
  type Beating,
  type Deadline,
  type HelloFields,
  normalClosure,
  type PeerMessage,
  Session,
  type SessionOwner,
  silentClosure,
  type WelcomeFields,
} from "@tautline/core/internals";
import { Attempt, type AttemptOwner, type ClientRuntime, connectionClosed } from "./attempt.ts";
import { type ConnectionParams, defaultReplayBytes, defaultWindowMs } from "./options.ts";

/** Whoever keeps a client's sessions. */
export interface SessionKeeper {
  /** Names the client, however many sessions it has. */
  readonly client: string;
  /** The session goes over a connection: what waits can be sent. */
  onCarried(session: ClientSession): void;
  onOnline(session: ClientSession): void;
  /** The connection is gone; `connect` makes another. */
  onOffline(session: ClientSession, reason: TautlineError, mayRetry: boolean): void;
  onGoaway(session: ClientSession, withinMs: number): void;
}

interface Authentication {
  readonly resolve: () => void;
  readonly reject: (error: TautlineError) => void;
}

/** The client's end of one session after the other: opens it, resumes it, and starts a new one where it was lost. */
export class ClientSession implements AttemptOwner, SessionOwner {
  readonly runtime: ClientRuntime;
  readonly #keeper: SessionKeeper;
  #session: Session;
  /** The client's own choice for a new session, so that one whose welcome was lost can be resumed too. */
  #token: string | undefined;
  /** Whether the server may know the session. */
  #offered = false;
  #windowMs = defaultWindowMs;
  #store: string | undefined;
  /** Whether `#store` is that of a welcome to this session. */
  #welcomed = false;
  #attempt: Attempt | undefined;
  #attempts = 0;
  #expiry: Deadline | undefined;
  #authentications: Authentication[] = [];

  constructor(runtime: ClientRuntime, keeper: SessionKeeper) {
    this.runtime = runtime;
    this.#keeper = keeper;
    this.#session = this.#start();
  }

  /** The server's store that remembers mutations. */
  get store(): string | undefined {
    return this.#store;
  }

  get session(): Session {
    return this.#session;
  }

  /** The connection, or the attempt at one, that it has now. */
  get attempt(): Beating | undefined {
    return this.#attempt;
  }

  connect(): void {
    this.#attempt ??= new Attempt(this);
  }

  /** Drops the connection; the session can be resumed. */
  disconnect(): void {
    this.#attempt?.end(silentClosure);
    this.#attempt = undefined;
    this.#failAuthentications(connectionClosed("dropped"));
  }

  /** Ends the session, at the server too. */
  end(): void {
    this.#attempt?.end(normalClosure);
    this.#attempt = undefined;
    this.#stopExpiry();
    this.#session.lose();
    this.#failAuthentications(connectionClosed("closed"));
  }

  /** Hands the server new credentials for the session. */
  authenticate(params: ConnectionParams): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#authentications.push({ resolve, reject });
      this.#attempt?.send([authType, params]);
    });
  }

  onMessage(message: PeerMessage, session: Session, length: number): void {
    this.runtime.end.receive(message, session, length);
  }

  hello(): HelloFields {
    const { client } = this.#keeper;
    const { streams, expose } = this.runtime.options;
    const fields = {
      client,
      token: this.#token ?? createToken(),
      attempt: ++this.#attempts,
      ...(streams !== undefined && { streams: true }),
      ...(expose !== undefined && { serves: true }),
    };
    return this.#offered ? { ...fields, received: this.#session.received } : fields;
  }

  onGreeted(attempt: Attempt): void {
    if (this.#offered) return;
    this.#offered = true;
    this.#carry(attempt, 0);
  }

  onWelcome(attempt: Attempt, { token, received, windowMs = Number.POSITIVE_INFINITY, store }: WelcomeFields): void {
    this.#stopExpiry();
    if (attempt.session === undefined) {
      // What the server has counted decides; a session that it does not have is a new one.
      if (received !== undefined && !this.#session.canResume(received)) return this.#startOver();
      if (received === undefined) this.#lose(sessionLost());
      this.#offered = true;
      this.#carry(attempt, received ?? 0);
    }
    this.#token = token;
    this.#windowMs = windowMs;
    // A store with another name knows nothing of what was sent before.
    this.#store = this.#welcomed && store !== this.#store ? undefined : store;
    this.#welcomed = true;
    this.#session.acknowledge();
    this.runtime.calls.settleDoubts(store);
    this.#keeper.onOnline(this);
  }

  onGoaway(withinMs: number): void {
    this.#keeper.onGoaway(this, withinMs);
  }

  onAuthenticated(error: TautlineError | undefined): void {
    const authentication = this.#authentications.shift();
    if (error === undefined) authentication?.resolve();
    else authentication?.reject(error);
  }

  onLost(reason: TautlineError, { mayRetry, refused }: { mayRetry: boolean; refused: boolean }): void {
    const resuming = this.#attempt?.session === undefined;
    this.#attempt = undefined;
    this.#failAuthentications(reason);
    // A server that refuses a new session has started nothing; one to be resumed is where it was.
    if (refused && !resuming) this.#lose(reason, false);
    else if (this.#token === undefined) this.#lose(reason);
    else if (this.#offered) this.#expiry ??= this.runtime.deadlines.add(this.#windowMs, () => this.#expire());
    this.#keeper.onOffline(this, reason, mayRetry);
  }

  #start(): Session {
    this.#token = createToken();
    this.#offered = false;
    this.#welcomed = false;
    this.#stopExpiry();
    return new Session(this, this.runtime.options.replayBytes ?? defaultReplayBytes);
  }

  #carry(attempt: Attempt, received: number): void {
    attempt.carry(this.#session, received);
    this.#keeper.onCarried(this);
  }

  /** The server has resumed what cannot go on here: it is told that the session is over. */
  #startOver(): void {
    this.#attempt?.end(normalClosure);
    this.#lose(sessionLost());
    this.#attempt = new Attempt(this);
  }

  /** The session is over, at the server too; the next connection opens a new one. */
  #lose(reason: TautlineError, started = true): void {
    const lost = this.#session;
    lost.lose();
    this.#session = this.#start();
    this.runtime.end.detach(lost, reason, { started, store: this.#store });
  }

  /** Whoever is being asked for the session may still have it. */
  #expire(): void {
    if (this.#attempt === undefined) this.#lose(sessionLost());
    else this.#startOver();
  }

  #stopExpiry(): void {
    this.#expiry?.cancel();
    this.#expiry = undefined;
  }

  #failAuthentications(reason: TautlineError): void {
    for (const { reject } of this.#authentications.splice(0)) reject(reason);
  }
}

function sessionLost(): TautlineError {
  return new TautlineError({ code: "SESSION_LOST", message: "the session could not be resumed" });
}

/** 192 random bits. */
export function createToken(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24))));
}
