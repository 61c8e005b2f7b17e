import type { Frame } from "@tautline/core/internals";

const final = 0x80;
const textFrame = 0x1;
const binaryFrame = 0x2;

/** A whole message as a server sends it: one frame, not masked (RFC 6455, section 5.2). */
export function encodeWebSocketFrame(frame: Frame): Buffer {
  const isText = typeof frame === "string";
  const payload = isText ? Buffer.from(frame) : frame;
  const head = headOf(final | (isText ? textFrame : binaryFrame), payload.length);
  return Buffer.concat([head, payload]);
}

function headOf(first: number, length: number): Buffer {
  if (length < 126) return Buffer.from([first, length]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) head.writeUInt16BE(length, 2);
  // The first two of the eight bytes are 0: no frame is that long.
  else head.writeUIntBE(length, 4, 6);
  return head;
}
