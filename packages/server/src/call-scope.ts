import type { IncomingMessage } from "node:http";
import type { MutationOrigin } from "./mutation-memory.ts";

/** Whose call it is. */
export interface CallScope extends MutationOrigin {
  readonly ctx: unknown;
  readonly req: IncomingMessage;
}
