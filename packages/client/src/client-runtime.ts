import type { Deadlines, FrameReader, OutgoingCalls, PipeEnd, Values } from "@tautline/core/internals";
import type { ConnectionOptions } from "./options.ts";

/** What a client's sessions share. */
export interface ClientRuntime {
  readonly options: ConnectionOptions;
  readonly calls: OutgoingCalls;
  /** What sessions carry: the calls, or where procedures are exposed a `Peer` with them. */
  readonly end: PipeEnd;
  readonly deadlines: Deadlines;
  /** How the server's frames are read. */
  readonly reader: FrameReader;
  readonly values: Values;
}
