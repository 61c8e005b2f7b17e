import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { attachedTo } from "./attached.ts";
import { decodeBinaryFrame, encodeBinaryFrame } from "./binary-frame.ts";
import { decodeFrame, encodeMessage } from "./codec.ts";
import { everyMessage } from "./every-message.ts";
import type { Message } from "./protocol.ts";
import { parseStrictly } from "./strict-json.ts";

interface Vector {
  readonly name: string;
  readonly direction: "client-to-server" | "server-to-client" | "either";
  readonly messages?: readonly Message[];
  readonly error?: "BAD_MESSAGE";
}

interface TextVector extends Vector {
  readonly frame: string;
  readonly decodeOnly?: true;
  readonly strict?: true;
}

interface BinaryVector extends Vector {
  /** The frame, in base64, as are its attachments. */
  readonly binary: string;
  readonly attachments?: readonly string[];
}

const file = new URL("../vectors/v1.json", import.meta.url);
const all = JSON.parse(readFileSync(file, "utf8")) as readonly (TextVector | BinaryVector)[];
const vectors = all.filter((vector) => "frame" in vector);
const binaryVectors = all.filter((vector) => "binary" in vector);

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64, "base64"));
}

describe("the golden vectors", () => {
  test.each(vectors.filter(({ messages }) => messages !== undefined))("$name", (vector) => {
    const { frame, messages = [], decodeOnly, strict } = vector;
    expect(decodeFrame(frame, everyMessage, parseStrictly)).toEqual(messages);
    if (strict !== true) expect(decodeFrame(frame, everyMessage)).toEqual(messages);
    if (decodeOnly !== true) expect(`[${messages.map((message) => encodeMessage(message)).join(",")}]`).toBe(frame);
  });

  test.each(vectors.filter(({ error }) => error !== undefined))("refused: $name", ({ frame, error, strict }) => {
    expect(() => decodeFrame(frame, everyMessage, parseStrictly)).toThrow(expect.objectContaining({ code: error }));
    if (strict !== true)
      expect(() => decodeFrame(frame, everyMessage)).toThrow(expect.objectContaining({ code: error }));
  });

  test.each(binaryVectors.filter(({ messages }) => messages !== undefined))("$name", (vector) => {
    const { binary, messages: [expected] = [], attachments = [] } = vector;
    for (const parse of [parseStrictly, undefined]) {
      const [message] = decodeBinaryFrame(bytesOf(binary), everyMessage, parse);
      expect(message?.slice(0, expected?.length)).toMatchObject([...(expected ?? [])]);
      const received = attachedTo(message?.at(-1))?.received ?? (() => message?.at(-1));
      expect(attachments.map((_, number) => received(number))).toEqual(attachments.map(bytesOf));
    }
    expect(encodeBinaryFrame(JSON.stringify(expected), attachments.map(bytesOf), 1000)).toEqual(bytesOf(binary));
  });

  test.each(binaryVectors.filter(({ error }) => error !== undefined))("refused: $name", ({ binary, error }) => {
    expect(() => decodeBinaryFrame(bytesOf(binary), everyMessage, parseStrictly)).toThrow(
      expect.objectContaining({ code: error }),
    );
  });

  test("have a name of their own, a direction, and either messages or an error", () => {
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(vectors.length + binaryVectors.length);
    for (const { direction, messages, error } of all) {
      expect(["client-to-server", "server-to-client", "either"]).toContain(direction);
      expect(messages === undefined).toBe(error === "BAD_MESSAGE");
    }
  });
});
