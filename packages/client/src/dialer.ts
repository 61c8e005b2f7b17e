import type { TautlineError } from "@tautline/core";
import { type Deadline, report } from "@tautline/core/internals";
import { backoffMs } from "./backoff.ts";
import type { ClientRuntime } from "./client-runtime.ts";
import { ClientSession, connectionClosed, createToken, type SessionKeeper } from "./client-session.ts";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import type { ConnectionParams } from "./options.ts";
import { onWake } from "./wake.ts";

/** Keeps a client connected: opens a session, and when its connection breaks makes the next. */
export class Dialer implements ClientConnection, SessionKeeper {
  readonly client: string = createToken();
  readonly #runtime: ClientRuntime;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { status: "idle" };
  #session: ClientSession | undefined;
  /** On another server, where the one of now is going away. */
  #next: ClientSession | undefined;
  /** What they run is still to be answered. */
  readonly #leaving = new Set<ClientSession>();
  /** Failed attempts in a row. */
  #failures = 0;
  #retry: Deadline | undefined;
  #idle: Deadline | undefined;

  constructor(runtime: ClientRuntime) {
    this.#runtime = runtime;
    onWake(() => {
      if (this.#state.status === "reconnecting") this.#dial();
    });
    if (runtime.options.lazy === false) this.connect();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  subscribe(listener: (state: ConnectionState) => void): () => void {
    // A listener of its own for each subscription: the same function may subscribe twice.
    const entry = (state: ConnectionState): void => listener(state);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  connect(): void {
    if (this.#session?.connected === true) return;
    if (this.#state.status !== "reconnecting") this.#become({ status: "connecting" });
    this.#dial();
  }

  reconnect(): void {
    (this.#next ?? this.#session)?.disconnect();
    if (this.#next === undefined) this.connect();
    else this.#dial();
  }

  close(): void {
    this.#stop({ status: "closed" }, closed());
  }

  authenticate(params: ConnectionParams): Promise<void> {
    return this.#state.status === "online" && this.#session !== undefined
      ? this.#session.authenticate(params)
      : Promise.reject(connectionClosed("not online"));
  }

  /** A call is made: opens the connection where nothing has yet. @throws TautlineError where it is closed. */
  use(): void {
    this.#idle?.cancel();
    const { state } = this;
    if (state.status === "idle") this.connect();
    if (state.status === "closed") throw state.reason ?? closed();
  }

  /** A call has settled: after the last one, the time to an idle close begins; a session that is left may have done its part. */
  release(): void {
    for (const session of this.#leaving) if (this.#runtime.calls.countOn(session.session) === 0) this.#leave(session);
    const { idleCloseMs } = this.#runtime.options;
    if (idleCloseMs === undefined || this.#runtime.calls.size > 0 || this.#state.status === "closed") return;
    // Calls that never came to `use` are released too.
    this.#idle?.cancel();
    this.#idle = this.#runtime.deadlines.add(idleCloseMs, () => this.#onIdle());
  }

  /** The server's calls keep it open too; it is asked again after as long. */
  #onIdle(): void {
    if (this.#runtime.end.size > 0) this.release();
    else this.#stop({ status: "idle" }, closed());
  }

  onCarried(session: ClientSession): void {
    if (session === this.#session) this.#runtime.end.attach(session.session);
  }

  onOnline(session: ClientSession): void {
    if (session === this.#next) this.#move(session);
    this.#failures = 0;
    this.#become({ status: "online" });
  }

  onOffline(session: ClientSession, reason: TautlineError, mayRetry: boolean): void {
    if (this.#leaving.has(session)) return this.#leave(session, reason);
    if (session === this.#session && this.#next !== undefined) {
      this.#session = this.#next;
      this.#next = undefined;
      this.#drop(session, reason);
      if (this.#session.session.open) this.#runtime.end.attach(this.#session.session);
      if (mayRetry && this.#session.connected) return this.#become({ status: "connecting" });
    }
    if (!mayRetry) return this.#stop({ status: "closed", reason }, reason);
    this.#failures++;
    const delayMs = backoffMs(this.#failures, this.#runtime.options);
    this.#dialIn(delayMs);
    if (this.#next === undefined) {
      this.#become({ status: "reconnecting", attempt: this.#failures, retryAt: Date.now() + delayMs, reason });
    }
  }

  onGoaway(session: ClientSession, withinMs: number): void {
    if (session !== this.#session || this.#next !== undefined) return;
    this.#runtime.calls.hold();
    this.#next = new ClientSession(this.#runtime, this);
    // All clients of a server hear this at once, and are not to come to the next one at once.
    this.#dialIn((this.#runtime.options.random ?? Math.random)() * withinMs);
  }

  #dialIn(delayMs: number): void {
    this.#retry?.cancel();
    this.#retry = this.#runtime.deadlines.add(delayMs, () => this.#dial());
  }

  #dial(): void {
    this.#retry?.cancel();
    this.#session ??= new ClientSession(this.#runtime, this);
    (this.#next ?? this.#session).connect();
  }

  /** What is new goes to the new session, subscriptions too; what was asked at the old one is answered there. */
  #move(next: ClientSession): void {
    const old = this.#session;
    this.#session = next;
    this.#next = undefined;
    if (old !== undefined) {
      this.#runtime.calls.leave(old.session);
      this.#leaving.add(old);
    }
    this.#runtime.end.attach(next.session);
    this.release();
  }

  #leave(session: ClientSession, reason: TautlineError = closed()): void {
    this.#drop(session, reason);
    // What waits again goes to the session that there is.
    if (this.#session?.session.open !== true) return;
    this.#runtime.end.attach(this.#session.session);
    this.#runtime.calls.settleDoubts(this.#session.store);
  }

  #drop(session: ClientSession, reason: TautlineError): void {
    this.#leaving.delete(session);
    session.end();
    this.#runtime.end.detach(session.session, reason, { started: true, store: session.store });
  }

  #stop(state: ConnectionState, reason: TautlineError): void {
    this.#retry?.cancel();
    this.#idle?.cancel();
    for (const session of this.#sessions()) session.end();
    this.#session = undefined;
    this.#next = undefined;
    this.#leaving.clear();
    this.#failures = 0;
    this.#become(state);
    this.#runtime.end.close(reason);
  }

  #sessions(): readonly ClientSession[] {
    return [this.#session, this.#next, ...this.#leaving].filter((session) => session !== undefined);
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    for (const listener of this.#listeners) report(() => listener(state));
  }
}

function closed(): TautlineError {
  return connectionClosed("the client is closed");
}
