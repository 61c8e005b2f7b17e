import { describe, expect, test } from "vitest";
import { Attachments } from "./attachments.ts";
import { decodeBinaryFrame } from "./binary-frame.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";

const most = 1024 * 1024;

/** The bytes that go with the message of a frame, by their numbers. */
function bytesIn(frame: Uint8Array<ArrayBuffer>, count: number): (Uint8Array | undefined)[] {
  const [message] = decodeBinaryFrame(frame, everyMessage);
  const value = message?.[2] as Record<symbol, { received(number: number): Uint8Array | undefined }>;
  const [symbol = Symbol()] = Object.getOwnPropertySymbols(value);
  return Array.from({ length: count }, (_, number) => value[symbol]?.received(number));
}

describe("attachments", () => {
  test("are numbers in a frame's JSON, and base64 in any other", () => {
    const all = new Attachments();
    const value = { $rich: [all.add(Uint8Array.of(1, 2, 3)), all.add(Uint8Array.of())] };
    expect(JSON.stringify(value)).toBe('{"$rich":["AQID",""]}');
    expect(all.stringify(value)).toBe('{"$rich":[0,1]}');
    expect(JSON.stringify(value)).toBe('{"$rich":["AQID",""]}');
  });

  test("are base64 again after a value that cannot be written", () => {
    const all = new Attachments();
    const attachment = all.add(Uint8Array.of(1, 2, 3));
    expect(() => all.stringify([attachment, 1n])).toThrow(TypeError);
    expect(JSON.stringify(attachment)).toBe('"AQID"');
  });

  test("are copied into the frame once: it holds what they were then, and so do those that are made of it later", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const all = new Attachments();
    const json = all.stringify({ $rich: all.add(bytes) });
    const first = all.encode(`[20,1,${json}]`, most);
    bytes.fill(9);
    const second = all.encode(`[20,22222,${json}]`, most);
    expect(bytesIn(first, 1)).toEqual([Uint8Array.of(1, 2, 3)]);
    expect(bytesIn(second, 1)).toEqual([Uint8Array.of(1, 2, 3)]);
  });

  test("are 1,024 at most", () => {
    const all = new Attachments();
    for (let count = 0; count < 1024; count++) all.add(new Uint8Array(1));
    expect(() => all.add(new Uint8Array(1))).toThrow(TautlineError);
  });
});
