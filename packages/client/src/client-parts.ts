import type { TautlineError } from "@tautline/core";
import type { Deadlines, FrameReader, OutgoingCalls, PipeEnd, Transformer } from "@tautline/core/internals";
import type { ConnectionOptions } from "./options.ts";

/** What all that a client consists of is made from. */
export interface ClientParts {
  readonly options: ConnectionOptions;
  readonly transformer: Transformer | undefined;
  readonly deadlines: Deadlines;
  /** How the server's frames are read. */
  readonly reader: FrameReader;
  /** Reads the shape of a server's error. */
  readonly readError: (shape: unknown) => TautlineError;
}

/** What a client's sessions share. */
export interface ClientRuntime extends ClientParts {
  readonly calls: OutgoingCalls;
  /** What sessions carry: the calls, or where procedures are exposed a `Peer` with them. */
  readonly end: PipeEnd;
}
