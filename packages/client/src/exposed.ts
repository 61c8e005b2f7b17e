import type { MessageTable, OutgoingCalls, PipeEnd, Session } from "@tautline/core/internals";
import type { StreamParts, StreamsOption } from "./streams.ts";
import type { ClientClock } from "./turn.ts";

/** What of a client its exposed procedures are served with. */
export interface ExposedParts extends StreamParts {
  readonly options: StreamParts["options"] & {
    readonly clock?: ClientClock;
    readonly maxFrameBytes?: number;
    /** Carries streams and large messages; undefined where there are none. */
    readonly streams?: StreamsOption;
  };
}

/** Procedures that a client exposes to its server, made by `expose` or `exposeRouter`. */
export interface Exposed {
  /** What comes besides. */
  readonly messages: MessageTable;
  /** What goes over connections: producers wait for it. */
  readonly Session: typeof Session;
  /** What is attached to the client's sessions: it takes the server's calls, and makes the client's. */
  createEnd(calls: OutgoingCalls, parts: ExposedParts): PipeEnd;
}
