import { attachedTo, type BytesToSend } from "./attached.ts";
import type { ProcedureType } from "./contract.ts";
import { TautlineError } from "./errors.ts";
import type { EncodedMessage } from "./frame.ts";
import { defaultMaxFrameBytes, joinedFrameLength, maxFrameMessages } from "./options.ts";
import { badMessage, type CallFields, callType, type Message, type MessageTable, readMessage } from "./protocol.ts";

/**
 * One message, ready to be sent: as JSON, or where bytes are attached to its value as a binary frame.
 *
 * @throws TautlineError `BAD_REQUEST` where a value in it cannot be written as JSON (a BigInt, a circle, a `toJSON` that
 * throws), `PAYLOAD_TOO_LARGE` where it would not fit a frame.
 */
export function encodeMessage(message: Message, maxFrameBytes: number = defaultMaxFrameBytes): EncodedMessage {
  const bytes = attachedTo(message[message.length - 1])?.bytes;
  if (bytes === undefined) return checkSize(stringifyMessage(message), maxFrameBytes);
  return bytes.encode(stringify(message, bytes), maxFrameBytes);
}

/** A message that holds no value of the user's: small, and always JSON. */
export function encodePlain(message: Message): string {
  return JSON.stringify(message);
}

/** A call's input, read once however often the call is sent: JSON, or with bytes what makes frames of it. */
export type EncodedInput = string | { readonly json: string; readonly bytes: BytesToSend };

/**
 * Gives undefined for undefined, functions and symbols, as JSON.stringify has it.
 *
 * @throws TautlineError `BAD_REQUEST` where the input cannot be written.
 */
export type InputEncoder = (input: unknown) => EncodedInput | undefined;

/** Takes inputs that may hold bytes, as those are that a transformer has made which carries them. */
export const encodeInput: InputEncoder = (input) => {
  const bytes = attachedTo(input)?.bytes;
  return bytes === undefined ? encodeJson(input) : { json: stringify(input, bytes), bytes };
};

/** @throws TautlineError `BAD_REQUEST` where the value cannot be written. */
export function encodeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw unwritable(cause);
  }
}

/**
 * A call, ready to be sent.
 *
 * @param fields undefined where there are none, as almost always: writing them was a fifth of the cost of a small call's text.
 * @throws TautlineError `PAYLOAD_TOO_LARGE` where it would not fit a frame.
 */
export function encodeCall(
  type: ProcedureType,
  id: number,
  path: string,
  fields: CallFields | undefined,
  input: EncodedInput | undefined,
  maxFrameBytes: number = defaultMaxFrameBytes,
): EncodedMessage {
  const head = `[${callType[type]},${id},${JSON.stringify(path)},${fields === undefined ? "{}" : JSON.stringify(fields)}`;
  if (typeof input === "object") return input.bytes.encode(`${head},${input.json}]`, maxFrameBytes);
  return checkSize(input === undefined ? `${head}]` : `${head},${input}]`, maxFrameBytes);
}

/** The numbers before a value by hand: JSON.stringify takes half as long again for the whole array as for the value alone. */
function stringifyMessage(message: Message): string {
  const last = message.length - 1;
  let text = "[";
  for (let index = 0; index < last; index++) {
    const field = message[index];
    // An array is never left out of JSON.
    if (typeof field !== "number") return encodeJson(message) as string;
    text += `${field},`;
  }
  return `${text}${encodeJson(message[last]) ?? null}]`;
}

function stringify(value: unknown, bytes: BytesToSend): string {
  try {
    return bytes.stringify(value);
  } catch (cause) {
    throw unwritable(cause);
  }
}

/** A stream that nothing carries says so itself. */
function unwritable(cause: unknown): TautlineError {
  return TautlineError.from(cause, "BAD_REQUEST", "no JSON for the value");
}

function checkSize(text: string, maxFrameBytes: number): string {
  // The frame's own brackets. A UTF-16 unit takes one to three bytes: only a text in between needs counting.
  const most = maxFrameBytes - 2;
  if (text.length > most || (text.length * 3 > most && new TextEncoder().encode(text).length > most)) {
    throw new TautlineError({ code: "PAYLOAD_TOO_LARGE", message: `over ${maxFrameBytes} bytes` });
  }
  return text;
}

/** Makes JSON's values of a text. @throws whatever it likes: the frame is then bad. */
export type ParseJson = (text: string) => unknown;

/** A frame's JSON. @throws TautlineError `BAD_MESSAGE` where it is none. */
export function parseFrame(text: string, parse: ParseJson = JSON.parse): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw TautlineError.from(cause, "BAD_MESSAGE", "no JSON");
  }
}

/**
 * Reads a binary frame: the message in it, or none where it is an extension's.
 *
 * @throws TautlineError `BAD_MESSAGE` as `decodeFrame`.
 */
export type BinaryDecoder = (frame: Uint8Array<ArrayBuffer>, table: MessageTable, parse?: ParseJson) => Message[];

/** What brings bytes into frames, and takes them out. */
export interface BinaryCodec {
  readonly encodeInput: InputEncoder;
  readonly decode: BinaryDecoder;
}

/** Where a transformer that carries bytes has its {@link BinaryCodec}, so that a client without one does not carry it. */
export const binaryCodec: unique symbol = Symbol.for("tautline.binaryCodec");

/**
 * The messages of one text frame, in order, without those of extensions.
 *
 * @param table what is taken.
 * @param parse JSON.parse, or for frames of strangers `parseStrictly`.
 * @throws TautlineError `BAD_MESSAGE` where the frame is no JSON array of messages or is over a limit. Then none of it counts.
 */
export function decodeFrame(text: string, table: MessageTable, parse?: ParseJson): Message[] {
  const frame = parseFrame(text, parse);
  if (!Array.isArray(frame) || frame.length === 0 || frame.length > maxFrameMessages)
    throw badMessage("no messages, or too many");
  // What a message counts in its stream's credit is its frame's length; so a long one has a frame of its own.
  if (frame.length > 1 && text.length > frame.length * joinedFrameLength)
    throw badMessage("a long message shares a frame");
  const messages: Message[] = [];
  for (const value of frame) {
    const message = readMessage(value, table);
    if (message !== undefined) messages.push(message);
  }
  return messages;
}
