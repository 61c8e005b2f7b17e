import type { ProcedureType } from "./contract.ts";
import { TautlineError } from "./errors.ts";
import { defaultMaxDepth, defaultMaxFrameBytes, defaultMaxFrameMessages } from "./options.ts";
import {
  badMessage,
  type CallFields,
  callType,
  type Message,
  readMessage,
} from "./protocol.ts";

/** What a frame may hold at most. Local, never negotiated. */
export interface FrameLimits {
  /** In bytes. Default 1 MiB. */
  readonly maxFrameBytes: number;
  /** Levels of nesting. Default 64. */
  readonly maxDepth: number;
  /** Messages in one frame. Default 4,096. */
  readonly maxFrameMessages: number;
}

export const defaultFrameLimits: FrameLimits = {
  maxFrameBytes: defaultMaxFrameBytes,
  maxDepth: defaultMaxDepth,
  maxFrameMessages: defaultMaxFrameMessages,
};

/**
 * One message as JSON.
 *
 * @throws TautlineError `BAD_REQUEST` where a value in it cannot be written as JSON (a BigInt, a circle, a `toJSON` that
 * throws), `PAYLOAD_TOO_LARGE` where it would not fit a frame.
 */
export function encodeMessage(message: Message, maxFrameBytes: number = defaultMaxFrameBytes): string {
  return checkSize(encodeValue(message), maxFrameBytes);
}

/**
 * A call as JSON; its input is given as JSON already, so that it is read once however often the call is sent.
 *
 * @throws TautlineError `PAYLOAD_TOO_LARGE` where it would not fit a frame.
 */
export function encodeCall(
  type: ProcedureType,
  id: number,
  path: string,
  fields: CallFields,
  input: string | undefined,
  maxFrameBytes: number = defaultMaxFrameBytes,
): string {
  const head = `[${callType[type]},${id},${JSON.stringify(path)},${JSON.stringify(fields)}`;
  return checkSize(input === undefined ? `${head}]` : `${head},${input}]`, maxFrameBytes);
}

/**
 * A value as JSON; undefined for undefined, functions and symbols, as JSON.stringify has it.
 *
 * @throws TautlineError `BAD_REQUEST` where it cannot be written.
 */
export function encodeValue(value: readonly unknown[]): string;
export function encodeValue(value: unknown): string | undefined;
export function encodeValue(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new TautlineError({ code: "BAD_REQUEST", message: "the value cannot be written as JSON", cause });
  }
}

function checkSize(text: string, maxFrameBytes: number): string {
  // The frame's own brackets. A UTF-16 unit takes one to three bytes: only a text in between needs counting.
  const most = maxFrameBytes - 2;
  if (text.length > most || (text.length * 3 > most && utf8Bytes(text) > most)) {
    throw new TautlineError({ code: "PAYLOAD_TOO_LARGE", message: `a message is limited to ${maxFrameBytes} bytes` });
  }
  return text;
}

/**
 * The messages of one text frame, in order, without those of extensions.
 *
 * @throws TautlineError `BAD_MESSAGE` where the frame is no JSON array of messages or is over a limit. Then none of it counts.
 */
export function decodeFrame(text: string, limits: FrameLimits = defaultFrameLimits): Message[] {
  if (deeperThan(text, limits.maxDepth)) throw badMessage(`a frame nests ${limits.maxDepth} levels at most`);
  const frame = parse(text);
  if (!Array.isArray(frame) || frame.length === 0) throw badMessage("a frame is an array of messages");
  if (frame.length > limits.maxFrameMessages) {
    throw badMessage(`a frame holds ${limits.maxFrameMessages} messages at most`);
  }
  const messages: Message[] = [];
  for (const value of frame) {
    const message = readMessage(value);
    if (message !== undefined) messages.push(message);
  }
  return messages;
}

function parse(text: string): unknown {
  try {
    return mayHoldHostileKeys(text) ? JSON.parse(text, dropHostileKeys) : JSON.parse(text);
  } catch (cause) {
    throw new TautlineError({ code: "BAD_MESSAGE", message: "a frame is JSON", cause });
  }
}

/** A key may be written with escapes, so any escape of a code unit is a reason to look closer. */
function mayHoldHostileKeys(text: string): boolean {
  return text.includes('"__proto__"') || text.includes('"constructor"') || text.includes("\\u");
}

/** `__proto__`, and `constructor` where it holds a `prototype`, are left out at every level. */
function dropHostileKeys(key: string, value: unknown): unknown {
  if (key === "__proto__") return undefined;
  if (key === "constructor" && typeof value === "object" && value !== null && Object.hasOwn(value, "prototype")) {
    return undefined;
  }
  return value;
}

const quote = 34;
const backslash = 92;

/**
 * Whether brackets nest deeper than `maxDepth`, before anything is parsed: JSON.parse takes tens of thousands of levels, which
 * overflow the stack of whoever walks them later. Strings are skipped by native search.
 */
function deeperThan(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === quote) {
      index = endOfString(text, index);
      if (index === -1) return false;
    } else if (unit === 91 || unit === 123) {
      if (++depth > maxDepth) return true;
    } else if (unit === 93 || unit === 125) {
      depth--;
    }
  }
  return false;
}

/** The index of the quote that ends the string that starts at `start`, or -1: then it is no JSON, as parsing will say. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(index - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Half of a surrogate pair is two of the pair's four bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
