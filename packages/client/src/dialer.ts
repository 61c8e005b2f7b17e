import { TautlineError } from "@tautline/core";
import type { Clock, Deadline, Deadlines, Peer } from "@tautline/core/internals";
import { Attempt } from "./attempt.ts";
import { type BackoffOptions, backoffMs, defaultBackoff } from "./backoff.ts";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import type { ConnectionOptions } from "./options.ts";
import { report } from "./report.ts";

/** What a dialer is given besides its options; tests hold the clock and the dice. */
export interface DialerRuntime {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** From 0 to 1, as Math.random. */
  readonly random: () => number;
  /** Reads the shape of the server's refusal. */
  readonly readError: (shape: unknown) => TautlineError;
}

/** Keeps one peer connected: opens a socket, says hello, and when it breaks opens the next. */
export class Dialer implements ClientConnection {
  readonly #options: ConnectionOptions;
  readonly #peer: Peer;
  readonly #runtime: DialerRuntime;
  readonly #backoff: BackoffOptions;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { status: "idle" };
  #attempt: Attempt | undefined = undefined;
  /** Failed attempts in a row. */
  #failures = 0;
  #retry: Deadline | undefined = undefined;
  #idle: Deadline | undefined = undefined;

  constructor(options: ConnectionOptions, peer: Peer, runtime: DialerRuntime) {
    this.#options = options;
    this.#peer = peer;
    this.#runtime = runtime;
    this.#backoff = { ...defaultBackoff, ...options.backoff };
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
    this.#stop({ status: "closed" }, new TautlineError({ code: "CONNECTION_CLOSED", message: "the client was closed" }));
  }

  /** A call is made: opens the connection where nothing has yet. @throws TautlineError where it is closed. */
  use(): void {
    this.#idle?.cancel();
    const { state } = this;
    if (state.status === "idle") this.connect();
    if (state.status !== "closed") return;
    throw state.reason ?? new TautlineError({ code: "CONNECTION_CLOSED", message: "the client was closed" });
  }

  /** A call has settled: after the last one, the time to an idle close begins. */
  release(): void {
    const { idleCloseMs = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#peer.calls.size > 0 || idleCloseMs === Number.POSITIVE_INFINITY) return;
    this.#idle?.cancel();
    this.#idle = this.#runtime.deadlines.add(idleCloseMs, () => {
      if (this.#peer.calls.size === 0) this.#stop({ status: "idle" }, new TautlineError({ code: "CONNECTION_CLOSED" }));
    });
  }

  #dial(): void {
    this.#retry?.cancel();
    const { deadlines, readError } = this.#runtime;
    this.#attempt = new Attempt({
      options: this.#options,
      peer: this.#peer,
      deadlines,
      readError,
      onWelcome: () => {
        this.#failures = 0;
        this.#become({ status: "online" });
      },
      onLost: (reason, mayRetry) => this.#onLost(reason, mayRetry),
    });
  }

  #onLost(reason: TautlineError, mayRetry: boolean): void {
    this.#attempt = undefined;
    if (!mayRetry) return this.#stop({ status: "closed", reason }, reason);
    this.#failures++;
    const delayMs = backoffMs(this.#failures, this.#backoff, this.#runtime.random);
    this.#retry = this.#runtime.deadlines.add(delayMs, () => this.#dial());
    this.#become({ status: "reconnecting", attempt: this.#failures, retryAt: Date.now() + delayMs, reason });
  }

  #stop(state: ConnectionState, reason: TautlineError): void {
    this.#retry?.cancel();
    this.#idle?.cancel();
    this.#attempt?.abandon();
    this.#attempt = undefined;
    this.#failures = 0;
    this.#become(state);
    this.#peer.close(reason);
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    for (const listener of this.#listeners) report(() => listener(state));
  }
}
