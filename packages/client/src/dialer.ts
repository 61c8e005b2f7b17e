import type { TautlineError } from "@tautline/core";
import type { Deadline } from "@tautline/core/internals";
import { Attempt, type AttemptOwner, type ConnectionRuntime, connectionClosed } from "./attempt.ts";
import { backoffMs } from "./backoff.ts";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import type { ConnectionOptions } from "./options.ts";
import { report } from "./report.ts";

/** Keeps one peer connected: opens a socket, says hello, and when it breaks opens the next. */
export class Dialer implements ClientConnection, AttemptOwner {
  readonly options: ConnectionOptions;
  readonly runtime: ConnectionRuntime;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { status: "idle" };
  #attempt: Attempt | undefined;
  /** Failed attempts in a row. */
  #failures = 0;
  #retry: Deadline | undefined;
  #idle: Deadline | undefined;

  constructor(options: ConnectionOptions, runtime: ConnectionRuntime) {
    this.options = options;
    this.runtime = runtime;
    if (options.lazy === false) this.connect();
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
    if (this.#attempt !== undefined) return;
    if (this.#state.status !== "reconnecting") this.#become({ status: "connecting" });
    this.#dial();
  }

  close(): void {
    this.#stop({ status: "closed" }, closed());
  }

  /** A call is made: opens the connection where nothing has yet. @throws TautlineError where it is closed. */
  use(): void {
    this.#idle?.cancel();
    const { state } = this;
    if (state.status === "idle") this.connect();
    if (state.status !== "closed") return;
    throw state.reason ?? closed();
  }

  /** A call has settled: after the last one, the time to an idle close begins. */
  release(): void {
    const { idleCloseMs } = this.options;
    if (idleCloseMs === undefined || this.runtime.calls.size > 0 || this.#state.status === "closed") return;
    // Calls that never came to `use` are released too.
    this.#idle?.cancel();
    this.#idle = this.runtime.deadlines.add(idleCloseMs, () => this.#stop({ status: "idle" }, closed()));
  }

  onWelcome(): void {
    this.#failures = 0;
    this.#become({ status: "online" });
  }

  onLost(reason: TautlineError, mayRetry: boolean): void {
    this.#attempt = undefined;
    if (!mayRetry) return this.#stop({ status: "closed", reason }, reason);
    this.#failures++;
    const delayMs = backoffMs(this.#failures, this.options.backoff);
    this.#retry = this.runtime.deadlines.add(delayMs, () => this.#dial());
    this.#become({ status: "reconnecting", attempt: this.#failures, retryAt: Date.now() + delayMs, reason });
  }

  #dial(): void {
    this.#retry?.cancel();
    this.#attempt = new Attempt(this);
  }

  #stop(state: ConnectionState, reason: TautlineError): void {
    this.#retry?.cancel();
    this.#idle?.cancel();
    this.#attempt?.abandon();
    this.#attempt = undefined;
    this.#failures = 0;
    this.#become(state);
    this.runtime.calls.close(reason);
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    for (const listener of this.#listeners) report(() => listener(state));
  }
}

function closed(): TautlineError {
  return connectionClosed("the client is closed");
}
