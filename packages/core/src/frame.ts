/** What a socket carries at a time: a text frame, or a binary one. */
export type Frame = string | Uint8Array<ArrayBuffer>;

/** A message as it is sent: JSON, which goes into a text frame with others; or a binary frame of its own, made already. */
export type EncodedMessage = string | Uint8Array<ArrayBuffer>;

/** The length of the frame that a message makes alone: in UTF-16 units of a text frame, in bytes of a binary one. */
export function frameLength(message: EncodedMessage): number {
  return typeof message === "string" ? message.length + 2 : message.length;
}
