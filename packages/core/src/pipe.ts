import type { Frame } from "./frame.ts";
import type { Lender } from "./lender.ts";
import type { Message } from "./protocol.ts";
import type { OutgoingMessage } from "./shared-message.ts";

/** What a peer sends through: messages go in at one end and come out at the other, in order. */
export interface MessagePipe {
  /** Whether what is sent leaves now; if not, a peer keeps new calls to itself until it is attached again. */
  readonly open: boolean;
  send(message: OutgoingMessage): void;
  /**
   * Reads a frame that has come in parts.
   *
   * @throws TautlineError `BAD_MESSAGE` as for any other.
   */
  decode(frame: Frame): Message[];
  /** Resolves when more can be sent without growing memory; undefined while that is so. */
  drained(): Promise<void> | undefined;
  /** Lends the socket that it sends over. */
  readonly lender?: Lender;
}
