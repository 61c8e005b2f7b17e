import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeFrame, encodeMessage } from "./codec.ts";
import { everyMessage } from "./every-message.ts";
import type { Message } from "./protocol.ts";
import { parseStrictly } from "./strict-json.ts";

interface Vector {
  readonly name: string;
  readonly direction: "client-to-server" | "server-to-client" | "either";
  readonly frame: string;
  readonly messages?: readonly Message[];
  readonly error?: "BAD_MESSAGE";
  readonly decodeOnly?: true;
  readonly strict?: true;
}

const file = new URL("../vectors/v1.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as readonly Vector[];

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

  test("have a name of their own, a direction, and either messages or an error", () => {
    const names = vectors.map(({ name }) => name);
    expect(new Set(names).size).toBe(vectors.length);
    for (const { direction, messages, error } of vectors) {
      expect(["client-to-server", "server-to-client", "either"]).toContain(direction);
      expect(messages === undefined).toBe(error === "BAD_MESSAGE");
    }
  });
});
