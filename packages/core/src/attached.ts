/**
 * Where a value in JSON's terms keeps what JSON does not hold: on its outermost object, where JSON.stringify does not look. Two copies of
 * this package have the same symbol.
 */
export const attached: unique symbol = Symbol.for("tautline.attached");

/** What is attached to a value. A transformer puts it there and takes it from there; the codec carries it. */
export interface Attached {
  /** The bytes in a value that is to be sent. */
  readonly bytes?: BytesToSend | undefined;
  /** The streams in a value that is to be sent. */
  readonly streams?: readonly StreamToSend[] | undefined;
  /** Opens a stream that a value which has come holds, by its number. */
  readonly openStream?: OpenStream | undefined;
  /** Bytes that have come with a value, by their numbers; undefined where there are none of that number. */
  readonly received?: ((number: number) => Uint8Array<ArrayBuffer> | undefined) | undefined;
}

/** What brings bytes into a frame. The codec knows it by this alone, so that a client without any does not carry it. */
export interface BytesToSend {
  /** The JSON of the value, or of a message with it, in which numbers stand for bytes. @throws what JSON.stringify does. */
  stringify(value: unknown): string;
  /**
   * The binary frame of a message's JSON. The bytes are copied into it; what is made after that is made of this copy, so that a call
   * that is sent again holds what was handed in.
   *
   * @throws TautlineError `PAYLOAD_TOO_LARGE`.
   */
  encode(message: string, maxFrameBytes: number): Uint8Array<ArrayBuffer>;
}

/** A stream in a value that is to be sent: what stands for it in JSON, once whoever sends the value has numbered it. */
export interface StreamToSend {
  /** Which of its call's streams in this direction it is, counted from 1. */
  number: number;
  readonly items: AsyncIterable<unknown>;
  /** How many bytes it will be, where that is known. */
  readonly size: number | undefined;
}

/** @throws TautlineError where the stream cannot be had. */
export type OpenStream = (number: number, size: number | undefined) => AsyncIterable<unknown>;

export function attachedTo(value: unknown): Attached | undefined {
  return typeof value === "object" && value !== null
    ? (value as { readonly [attached]?: Attached })[attached]
    : undefined;
}
