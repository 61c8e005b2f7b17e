import type { Clock, OutgoingCalls, PipeEnd, TransformerOption } from "@tautline/core/internals";

/** What exposed procedures are served with. */
export interface ExposedRuntime {
  /** The calls that the client makes. */
  readonly calls: OutgoingCalls;
  readonly clock: Omit<Clock, "turn">;
  readonly transformer: TransformerOption | undefined;
  /** The largest answer, in bytes. Default 1 MiB. */
  readonly maxFrameBytes: number | undefined;
}

/** Procedures that a client exposes to its server, made by `expose` or `exposeRouter`. */
export interface Exposed {
  /** What is attached to the client's sessions: it takes the server's calls, and makes the client's. */
  createEnd(runtime: ExposedRuntime): PipeEnd;
}
