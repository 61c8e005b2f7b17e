import type { MessageTable, OutgoingCalls, PipeEnd, Session } from "@tautline/core/internals";
import type { ClientParts } from "./client-parts.ts";

/** Procedures that a client exposes to its server, made by `expose` or `exposeRouter`. */
export interface Exposed {
  /** What comes besides. */
  readonly messages: MessageTable;
  /** What goes over connections: producers wait for it. */
  readonly Session: typeof Session;
  /** What is attached to the client's sessions: it takes the server's calls, and makes the client's. */
  createEnd(calls: OutgoingCalls, parts: ClientParts): PipeEnd;
}
