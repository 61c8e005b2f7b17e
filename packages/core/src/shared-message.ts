import { type EncodedMessage, type Frame, frameLength } from "./frame.ts";

/** A message that goes to many, encoded once; it has a frame of its own, which is the same for each of them. */
export class SharedMessage {
  readonly message: EncodedMessage;
  /** The frame that it makes. */
  readonly frame: Frame;
  /** The length of that frame. */
  readonly frameLength: number;
  /** What a socket writes for the frame: made by the first that sends it, taken by the others of its kind. */
  wire: Uint8Array | undefined = undefined;

  constructor(message: EncodedMessage) {
    this.message = message;
    this.frame = typeof message === "string" ? `[${message}]` : message;
    this.frameLength = frameLength(message);
  }

  /** As of any message: what a replay buffer counts. */
  get length(): number {
    return this.message.length;
  }
}

/** What sessions send. */
export type OutgoingMessage = EncodedMessage | SharedMessage;

/** What sockets send. */
export type OutgoingFrame = Frame | SharedMessage;

/** What a socket sends that knows nothing of shared messages. */
export function plainFrame(frame: OutgoingFrame): Frame {
  return frame instanceof SharedMessage ? frame.frame : frame;
}
