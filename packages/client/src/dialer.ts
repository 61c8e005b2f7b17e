import type { TautlineError } from "@tautline/core";
import { type Deadline, report } from "@tautline/core/internals";
import { backoffMs } from "./backoff.ts";
import type { ClientRuntime } from "./client-runtime.ts";
import { ClientSession, createToken, type SessionKeeper } from "./client-session.ts";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import { connectionClosed } from "./dialed-connection.ts";
import type { ConnectionParams } from "./options.ts";
import { onWake } from "./wake.ts";

/** Keeps a client connected: opens a session, and when its connection breaks makes the next. */
export class Dialer implements ClientConnection, SessionKeeper {
  readonly client: string = createToken();
  readonly #runtime: ClientRuntime;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { status: "idle" };
  /** What was online last. */
  #session: ClientSession;
  /** What is new goes there: another one while that of now is on a server that is going away. */
  #newest: ClientSession;
  /** What they run is still to be answered. */
  readonly #leaving = new Set<ClientSession>();
  /** Failed attempts in a row. */
  #failures = 0;
  #retry: Deadline | undefined;
  #idle: Deadline | undefined;
  /** There while it is kept connected: what wakes it up is heard until then. */
  #kept: AbortController | undefined;

  constructor(runtime: ClientRuntime) {
    this.#runtime = runtime;
    this.#session = this.#newest = new ClientSession(runtime, this);
    if (runtime.options.lazy === false) this.connect();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** React's `useSyncExternalStore` takes it off its object. */
  readonly subscribe = (listener: (state: ConnectionState) => void): (() => void) => {
    // A listener of its own for each subscription: the same function may subscribe twice.
    const entry = (state: ConnectionState): void => listener(state);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  connect(): void {
    if (this.#newest.connected) return;
    // First: a listener that closes it closes what is there, and one that connects finds it so.
    this.#dial();
    // Nothing is seen of it while another is online; and what gives the address may have closed it.
    const seen = this.#newest === this.#session && this.#newest.connected;
    if (seen && this.#state.status !== "reconnecting") this.#become({ status: "connecting" });
    this.release();
  }

  reconnect(): void {
    this.#newest.disconnect();
    this.connect();
  }

  close(): void {
    this.#stop({ status: "closed" }, closed());
  }

  authenticate(params: ConnectionParams): Promise<void> {
    return this.#session.authenticate(params) ?? Promise.reject(connectionClosed("not online"));
  }

  /** A call is made: opens the connection where nothing has yet. @throws TautlineError where it is closed. */
  use(): void {
    if (this.#state.status === "idle") this.connect();
    this.#idle?.cancel();
    const { state } = this;
    if (state.status === "closed") throw state.reason ?? closed();
  }

  /** A call has settled, or there was none yet: the time to an idle close begins; a session that is left may have done its part. */
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

  onOnline(session: ClientSession): void {
    const moved = session !== this.#session;
    if (moved) this.#move(session);
    this.#failures = 0;
    this.#become({ status: "online" });
    // Last: whoever hears that a session is left may close the client.
    if (moved) this.release();
  }

  onOffline(session: ClientSession, reason: TautlineError, mayRetry: boolean): void {
    if (this.#leaving.has(session)) return this.#leave(session, reason);
    if (session !== this.#newest) {
      this.#session = this.#newest;
      const { state } = this;
      session.drop(reason);
      // Whoever heard of what was lost may have closed the client, or connected it again.
      if (state !== this.#state) return;
      if (mayRetry && this.#newest.connected) return this.#become({ status: "connecting" });
    }
    if (!mayRetry) return this.#stop({ status: "closed", reason }, reason);
    this.#failures++;
    const delayMs = backoffMs(this.#failures, this.#runtime.options);
    this.#dialIn(delayMs);
    if (this.#newest === this.#session) {
      this.#become({ status: "reconnecting", attempt: this.#failures, retryAt: Date.now() + delayMs, reason });
    }
  }

  onGoaway(session: ClientSession, withinMs: number): void {
    if (session !== this.#newest) return;
    this.#runtime.calls.hold();
    this.#newest = new ClientSession(this.#runtime, this);
    // All clients of a server hear this at once, and are not to come to the next one at once.
    this.#dialIn((this.#runtime.options.random ?? Math.random)() * withinMs);
  }

  #dialIn(delayMs: number): void {
    this.#retry?.cancel();
    this.#retry = this.#runtime.deadlines.add(delayMs, () => this.#dial());
  }

  #dial(): void {
    this.#retry?.cancel();
    if (this.#kept === undefined) {
      this.#kept = new AbortController();
      onWake(() => this.#onWake(), this.#kept.signal);
    }
    this.#newest.connect();
  }

  /** What has hung since before is given up for another try; one that the server may have heard calls of is not. */
  #onWake(): void {
    if (this.#state.status !== "reconnecting") return;
    this.#failures = 0;
    if (!this.#newest.session.open) this.reconnect();
  }

  /** What is new goes to the new session, subscriptions too; what was asked at the old one is answered there. */
  #move(next: ClientSession): void {
    this.#runtime.calls.leave(this.#session.session);
    this.#leaving.add(this.#session);
    this.#session = next;
  }

  /** What waits again goes to the newest session. */
  #leave(session: ClientSession, reason: TautlineError = closed()): void {
    this.#leaving.delete(session);
    session.drop(reason);
  }

  #stop(state: ConnectionState, reason: TautlineError): void {
    this.#retry?.cancel();
    this.#idle?.cancel();
    for (const session of [...this.#leaving, this.#session, this.#newest]) session.end();
    this.#leaving.clear();
    this.#session = this.#newest = new ClientSession(this.#runtime, this);
    this.#failures = 0;
    this.#kept?.abort();
    this.#kept = undefined;
    this.#state = state;
    // Before listeners hear of it, who may make calls: those are not ended with what was before.
    this.#runtime.end.close(reason);
    this.#tell(state);
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#tell(state);
  }

  /** A listener may change the state: then all have heard of the newer one already. */
  #tell(state: ConnectionState): void {
    for (const listener of this.#listeners) if (state === this.#state) report(() => listener(state));
  }
}

function closed(): TautlineError {
  return connectionClosed("the client is closed");
}
