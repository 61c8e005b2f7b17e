import type { TautlineError } from "./errors.ts";
import type { MessagePipe } from "./pipe.ts";
import type { PeerMessage } from "./protocol.ts";

/** What is known of a pipe that is gone. */
export interface LostPipe {
  /** Whether the other end may have started calls. */
  readonly started: boolean;
  /** The other end's store that remembers mutations. */
  readonly store?: string | undefined;
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
