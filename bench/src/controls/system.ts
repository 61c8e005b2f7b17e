import type { History } from "@tautline/core/testing";
import type { Logged, LoggedInput } from "./application.ts";

/** One of the systems that are put through the same faults, used as its documentation says. */
export interface System {
  readonly name: string;
  /** Serves the handlers on a free port of 127.0.0.1. */
  serve(history: History): Promise<RunningServer>;
  connect(options: ConnectOptions): SystemClient;
}

export interface RunningServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly port: number;
  /** The client's name, which the handlers find in their context. */
  readonly name: string;
  /** Called when what is in flight may be lost, as far as the system promises anything about it. */
  readonly onExcuse: () => void;
}

export interface SystemClient {
  request(type: "query" | "mutation", input: LoggedInput): Promise<Logged>;
  /** Reads a subscription that continues after its last item; resolves at its end. */
  read(input: LoggedInput, observer: ReadObserver): Promise<void>;
  close(): void;
}

export interface ReadObserver {
  readonly onItem: (item: Logged) => void;
  /** Items may be missing before the next. */
  readonly onGap: () => void;
}
