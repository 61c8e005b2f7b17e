import type { TautlineError } from "@tautline/core";
import type { ConnectionParams } from "./options.ts";

/** What the connection is doing. */
export type ConnectionState =
  /** Not wanted yet: the first call, or `connect()`, opens it. */
  | { readonly status: "idle" }
  | { readonly status: "connecting" }
  | { readonly status: "online" }
  /** Lost, and to be opened again: at `retryAt` (ms since the epoch) for the `attempt`-th time, counted from 1. */
  | {
      readonly status: "reconnecting";
      readonly attempt: number;
      readonly retryAt: number;
      readonly reason: TautlineError;
    }
  /** By `close()` (no reason), or for a reason that trying again would not change. `connect()` opens it again. */
  | { readonly status: "closed"; readonly reason?: TautlineError };

/** `client.connection`. */
export interface ClientConnection {
  readonly state: ConnectionState;
  /** Calls `listener` at each change from now on; returns what stops that. Fit for React's `useSyncExternalStore`. */
  readonly subscribe: (listener: (state: ConnectionState) => void) => () => void;
  /** Opens the connection without waiting for a call; also after `close()`, and at once instead of at `retryAt`. */
  connect(): void;
  /** Drops the connection and makes another at once; what was in flight goes on. */
  reconnect(): void;
  /**
   * Hands the server new credentials without a reconnect: `createContext` runs again, and calls from then on have its context.
   * Rejects where the server does not take them (the old ones stay), or where there is no connection.
   */
  authenticate(connectionParams: ConnectionParams): Promise<void>;
  /** Closes it: calls in flight reject with `CONNECTION_CLOSED` (a mutation that was sent, with `OUTCOME_UNKNOWN`). */
  close(): void;
}
