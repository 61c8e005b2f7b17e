import type { IncomingMessage } from "node:http";

/** Whose call it is. */
export interface CallScope {
  readonly ctx: unknown;
  readonly req: IncomingMessage;
  /** Whose mutations are remembered under which prefix; undefined for a client without a name. */
  readonly client?: string | undefined;
  /** Which store the client was told of. */
  readonly store?: string | undefined;
}
