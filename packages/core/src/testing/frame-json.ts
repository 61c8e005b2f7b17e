import type { Frame } from "../frame.ts";

/** The messages of a frame that was seen on its way, as parsed JSON; of a binary frame without its attachments. */
export function messagesOf(frame: Frame): (readonly [type: number, ...unknown[]])[] {
  if (typeof frame === "string") return JSON.parse(frame) as [number, ...unknown[]][];
  return [(JSON.parse(textOf(frame)) as [[number, ...unknown[]]])[0]];
}

/** The text of a frame; of a binary one its JSON. */
export function textOf(frame: Frame): string {
  if (typeof frame === "string") return frame;
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  return new TextDecoder().decode(frame.subarray(4, 4 + length));
}
