import type { TautlineError } from "./errors.ts";
import type { MessagePipe } from "./pipe.ts";
import type { PeerMessage } from "./protocol.ts";

/** What is known of a pipe that is gone. */
export interface LostPipe {
  /** Whether the other end may have started calls. */
  readonly started: boolean;
  /** The store of the other end that remembers mutations. */
  readonly store?: string | undefined;
  /** Until when that remembers what has run, by the owner's clock. Default for ever. */
  readonly until?: number;
}

/** What is attached to a pipe: a `Peer`, or the calls of an end that serves none. */
export interface PipeEnd {
  /** Calls that have not settled. */
  readonly size: number;
  attach(pipe: MessagePipe): void;
  detach(pipe: MessagePipe, reason: TautlineError, how: LostPipe): void;
  receive(message: PeerMessage, pipe: MessagePipe, length?: number): void;
  close(reason: TautlineError): void;
}
