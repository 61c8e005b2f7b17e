import type { AskedKind } from "./rich-kind.ts";
import { invalidValue } from "./rich-message.ts";
import { readStreamInput } from "./stream-source.ts";

/** An async iterable, a ReadableStream, a Blob: its items do not travel in the message, but after it. */
export const streamKind: AskedKind<object> = {
  name: "stream",
  is: (value): value is object => typeof value === "object" && value !== null && readStreamInput(value) !== undefined,
  encode(value, message) {
    const input = readStreamInput(value);
    if (input === undefined) throw invalidValue("no stream");
    return message.addStream(input);
  },
  decode(json, message) {
    const [number, size, ...rest] = Array.isArray(json) ? (json as unknown[]) : [];
    if (!isCount(number) || number === 0 || !(size === undefined || isCount(size)) || rest.length > 0)
      throw invalidValue("$stream holds a number, and a size where it is known");
    return message.openStream(number, size);
  },
};

function isCount(json: unknown): json is number {
  return Number.isSafeInteger(json) && (json as number) >= 0;
}
