import { type Attached, attached } from "./attached.ts";
import { type ParseJson, parseFrame } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import * as messageType from "./message-type.ts";
import { maxAttachments } from "./options.ts";
import { badMessage, type Message, type MessageTable, readMessage } from "./protocol.ts";

type Received = NonNullable<Attached["received"]>;

/** Where a message that is a part has it. */
const partIndex = 4;
/** The length of the JSON comes first: four bytes, the most significant one first. */
const headBytes = 4;
/** In UTF-16 units. */
const shortLength = 256;
/** How much bytes that have come may keep in memory, as a multiple of their length: small ones, which are soon copied, and others. */
const mostKeptBySmall = 2;
const mostKept = 5;
/** In bytes. */
const smallLength = 8 * 1024;
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A frame of one message and its attachments, which are copied.
 *
 * @param message its JSON.
 * @throws TautlineError `PAYLOAD_TOO_LARGE`.
 */
export function encodeBinaryFrame(
  message: string,
  attachments: readonly Uint8Array[],
  maxFrameBytes: number,
): Uint8Array<ArrayBuffer> {
  let lengths = "";
  let frameBytes = headBytes;
  for (const { length } of attachments) {
    lengths += `,${length}`;
    frameBytes += length;
  }
  const text = `[${message}${lengths}]`;
  const json = isShortAscii(text) ? text : encoder.encode(text);
  frameBytes += json.length;
  if (frameBytes > maxFrameBytes) {
    throw new TautlineError({ code: "PAYLOAD_TOO_LARGE", message: `over ${maxFrameBytes} bytes` });
  }
  const frame = new Uint8Array(frameBytes);
  new DataView(frame.buffer).setUint32(0, json.length);
  if (typeof json !== "string") frame.set(json, headBytes);
  else for (let index = 0; index < json.length; index++) frame[headBytes + index] = json.charCodeAt(index);
  let end = headBytes + json.length;
  for (const attachment of attachments) {
    frame.set(attachment, end);
    end += attachment.length;
  }
  return frame;
}

/** Whether it is as many bytes as characters. The head of bytes alone is; a call into the platform's encoder costs more than this. */
function isShortAscii(text: string): boolean {
  return text.length <= shortLength && !/[^ -~]/.test(text);
}

/**
 * The message of a binary frame, with its attachments at hand; none where it is an extension's. Nothing is copied yet.
 *
 * @param table as for text frames, as is `parse`.
 * @throws TautlineError `BAD_MESSAGE` where a length lies, or the message is malformed or has no place for attachments.
 */
export function decodeBinaryFrame(frame: Uint8Array<ArrayBuffer>, table: MessageTable, parse?: ParseJson): Message[] {
  if (frame.length < headBytes) throw badMessage("a binary frame without a head");
  const start = headBytes + new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  if (start > frame.length) throw badMessage("a JSON text longer than its frame");
  const json = parseFrame(textOf(frame.subarray(headBytes, start)), parse);
  if (!Array.isArray(json)) throw badMessage("no message");
  const [message, ...lengths] = json as unknown[];
  const ends = endsOf(lengths, start, frame.length);
  if (!Array.isArray(message)) throw badMessage("no message");
  // An event of a channel is for several, and each has bytes of its own.
  const isShared = message[0] === messageType.channelEvent;
  attach(message, lengths.length, (number) => {
    const bytes = attachmentOf(frame, ends[number], ends[number + 1]);
    return isShared ? bytes?.slice() : bytes;
  });
  const read = readMessage(message, table);
  return read === undefined ? [] : [read];
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw badMessage("no UTF-8", cause);
  }
}

/** Where the attachments begin, and where the last one ends. @throws TautlineError `BAD_MESSAGE` where that is not the frame's end. */
function endsOf(lengths: readonly unknown[], start: number, end: number): readonly number[] {
  if (lengths.length === 0 || lengths.length > maxAttachments) throw badMessage(`1 to ${maxAttachments} attachments`);
  const ends = [start];
  let last = start;
  for (const length of lengths) {
    if (!Number.isSafeInteger(length) || (length as number) < 0) throw badMessage("an attachment's length");
    last += length as number;
    ends.push(last);
  }
  if (last !== end) throw badMessage("attachments of another length than their frame");
  return ends;
}

/** A part of a large message is the one attachment itself; any other message has a marked value last. */
function attach(message: unknown[], count: number, received: Received): void {
  if (message[0] === messageType.upPart || message[0] === messageType.downPart) {
    if (count > 1 || message.length > partIndex) throw badMessage("a part is one attachment");
    message[partIndex] = received(0);
    return;
  }
  const value: unknown = message.at(-1);
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "$rich")) {
    throw badMessage("attachments of no value");
  }
  (value as { [attached]?: Attached })[attached] = { received };
}

/**
 * A view of the frame where that keeps no more than some times as much in memory: a socket reads several frames at once, which are mostly
 * of one stream. Otherwise a copy, so that small bytes do not keep large ones alive.
 */
function attachmentOf(
  frame: Uint8Array<ArrayBuffer>,
  start: number | undefined,
  end: number | undefined,
): Uint8Array<ArrayBuffer> | undefined {
  if (start === undefined || end === undefined) return undefined;
  const view = new Uint8Array(frame.buffer, frame.byteOffset + start, end - start);
  const most = view.length * (view.length < smallLength ? mostKeptBySmall : mostKept);
  return most < frame.buffer.byteLength ? view.slice() : view;
}
