import type { TautlineError } from "@tautline/core";
import type { Clock, MessageTable, OutgoingCalls, PipeEnd, TransformerOption } from "@tautline/core/internals";
import type { StreamsOption } from "./streams.ts";

/** How large messages may be, and how far a stream may be ahead of its reader, in bytes. Defaults: the client's. */
export interface ExposedLimits {
  readonly maxFrameBytes?: number;
  readonly maxMessageBytes?: number;
  readonly streamWindowBytes?: number;
}

/** What exposed procedures are served with. */
export interface ExposedRuntime {
  /** The calls that the client makes. */
  readonly calls: OutgoingCalls;
  readonly clock: Omit<Clock, "turn">;
  readonly transformer: TransformerOption | undefined;
  readonly limits: ExposedLimits;
  readonly readError: (shape: unknown) => TautlineError;
  /** Carries streams and large messages; undefined where there are none. */
  readonly streams: StreamsOption | undefined;
}

/** Procedures that a client exposes to its server, made by `expose` or `exposeRouter`. */
export interface Exposed {
  /** What comes besides. */
  readonly messages: MessageTable;
  /** What is attached to the client's sessions: it takes the server's calls, and makes the client's. */
  createEnd(runtime: ExposedRuntime): PipeEnd;
}
