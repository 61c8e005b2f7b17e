import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBinaryFrame, encodeBinaryFrame } from "./binary-frame.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import { rich } from "./rich.ts";
import { parseStrictly } from "./strict-json.ts";

const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 20_000);
const seed = Number(process.env["PROPERTY_SEED"] ?? Date.now() % 2 ** 31);
const timeoutMs = 30_000 + numRuns * 5;

type Bytes = Uint8Array<ArrayBuffer>;

const tags = [
  "$bytes",
  "$bytes",
  "$bytes",
  "$uint8clampedarray",
  "$float64array",
  "$arraybuffer",
  "$dataview",
  "$map",
  "$",
];

/** JSON in which attachments stand, wherever they may or may not. */
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.nat(4),
    fc.constantFrom("AAAA", "ü", null, -1, 0.5),
    fc.tuple(fc.constantFrom(...tags), tie("value")).map(([tag, value]) => ({ [tag]: value })),
    fc.array(tie("value"), { maxLength: 4 }),
  ),
})).value;

const attachments = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 });

/** What may happen to a frame: bytes are changed, cut out or added; mostly of its head and its JSON's end, where the lengths stand. */
const change = fc.record({
  at: fc.oneof(fc.nat(8), fc.nat(300)),
  fromEnd: fc.boolean(),
  cut: fc.nat(6),
  add: fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc
      .constantFrom(",0", "9", "-", ".5", "e99", "[", "]", '{"$bytes":0}')
      .map((text) => Uint8Array.from(Buffer.from(text))),
  ),
});

function changed(
  frame: Bytes,
  { at, fromEnd, cut, add }: { at: number; fromEnd: boolean; cut: number; add: Uint8Array },
): Bytes {
  const start = fromEnd ? Math.max(0, frame.length - at) : Math.min(at, frame.length);
  return Uint8Array.from([...frame.subarray(0, start), ...add, ...frame.subarray(start + cut)]);
}

/** What the server does with a frame. */
function read(frame: Bytes): unknown {
  const [message] = decodeBinaryFrame(frame, everyMessage, parseStrictly);
  return rich.deserialize(message?.at(-1));
}

/** The memory that the bytes in a value keep alive, without the frame's own. */
function memoryOf(value: unknown, frame: Bytes, seen = new Set<object>()): number {
  if (typeof value !== "object" || value === null || seen.has(value)) return 0;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return memoryOf(value.buffer, frame, seen);
  if (value instanceof ArrayBuffer) return value === frame.buffer ? 0 : value.byteLength;
  const parts: unknown[] = value instanceof Map ? [...value].flat(1) : Object.values(value);
  return parts.reduce<number>((sum, part) => sum + memoryOf(part, frame, seen), 0);
}

describe("a hostile binary frame", () => {
  it(`is read or refused, and takes no more memory than it has itself (${numRuns} frames, seed ${seed})`, {
    timeout: timeoutMs,
  }, () => {
    const outcomes: Record<string, number> = {};
    fc.assert(
      fc.property(json, attachments, fc.array(change, { maxLength: 3 }), (value, bytes, changes) => {
        const message = `[20,1,${JSON.stringify({ $rich: value })}]`;
        const frame = changes.reduce(changed, encodeBinaryFrame(message, bytes, 1024 * 1024));
        const outcome = outcomeOf(frame);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }),
      { numRuns, seed },
    );
    // Each way was taken.
    expect(Object.keys(outcomes).sort()).toEqual(["BAD_MESSAGE", "BAD_REQUEST", "read"]);
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(numRuns / 50);
  });
});

function outcomeOf(frame: Bytes): string {
  try {
    // Base64 has a frame's text a second time.
    expect(memoryOf(read(frame), frame)).toBeLessThanOrEqual(2 * frame.length);
    return "read";
  } catch (thrown) {
    if (!(thrown instanceof TautlineError)) throw thrown;
    expect(["BAD_MESSAGE", "BAD_REQUEST"]).toContain(thrown.code);
    return thrown.code;
  }
}
