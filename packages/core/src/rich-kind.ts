import type { RichMessage } from "./rich-message.ts";

/** A type of value that JSON does not have, and what stands for it in JSON. */
export interface RichKind<T> {
  /** Names it on the wire: `{ "$name": … }`. Letters and digits, the first a letter. */
  readonly name: string;
  /** Whether a value is of this kind. Asked of objects that are neither arrays nor plain, before the built-in kinds are. */
  is(value: unknown): value is T;
  /** What stands for the value. May hold rich values itself; they are encoded in turn. */
  encode(value: T): unknown;
  /**
   * The value again, from what `encode` gave (rich values in it are decoded already). It comes from the other end of the
   * connection: check it. A `TautlineError` thrown here is passed on as it is, anything else as the cause of a `BAD_REQUEST`.
   */
  decode(json: unknown): T;
}

/** A kind of this package's own: it also sees the message. */
export interface BuiltInKind<T> extends Pick<RichKind<T>, "name"> {
  encode(value: T, message: RichMessage): unknown;
  decode(json: unknown, message: RichMessage): T;
}

/** One that is found by asking. Values of the others are told apart without. */
export interface AskedKind<T> extends BuiltInKind<T>, Pick<RichKind<T>, "is"> {}
