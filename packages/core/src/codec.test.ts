import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBinaryFrame } from "./binary-frame.ts";
import { decodeFrame, encodeCall, encodeInput, encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import type { Message } from "./protocol.ts";
import { rich } from "./rich.ts";
import { parseStrictly } from "./strict-json.ts";

// `PROPERTY_RUNS=100000` for the long run, `PROPERTY_SEED=…` to repeat one.
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 2_000);
const seed = Number(process.env["PROPERTY_SEED"] ?? Date.now() % 2 ** 31);
const timeoutMs = 30_000 + numRuns * 5;

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    return thrown instanceof TautlineError ? thrown.code : "not a TautlineError";
  }
  return undefined;
}

/** What the first message of a frame, a result, holds. */
function decodeValue(json: string): unknown {
  return decodeFrame(`[[20,1,${json}]]`, everyMessage)[0]?.[2];
}

const utf8 = new TextEncoder();

describe("encodeMessage", () => {
  test("writes a message as JSON", () => {
    expect(encodeMessage([20, 7, { text: "ü", list: [1, null] }])).toBe('[20,7,{"text":"ü","list":[1,null]}]');
  });

  test("refuses a value that JSON cannot hold", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    const throwing = {
      toJSON: () => {
        throw new Error("no");
      },
    };
    for (const value of [1n, circle, throwing]) expect(codeOf(() => encodeMessage([20, 1, value]))).toBe("BAD_REQUEST");
  });

  test.each([
    ["one byte", "a"],
    ["two bytes", "é"],
    ["three bytes", "€"],
    ["four bytes, a surrogate pair", "😀"],
    ["a lone surrogate, which JSON escapes", "\ud800"],
    ["a control character, which JSON escapes", "\u0001"],
    ["a mixture", "aé€😀\ud800"],
  ])("counts bytes as UTF-8 does: %s", (_name, character) => {
    const message: Message = [20, 1, character.repeat(40)];
    const text = JSON.stringify(message);
    const frameBytes = utf8.encode(`[${text}]`).length;
    expect(encodeMessage(message, frameBytes)).toBe(text);
    expect(codeOf(() => encodeMessage(message, frameBytes - 1))).toBe("PAYLOAD_TOO_LARGE");
  });

  test("takes messages of up to 1 MiB unless told otherwise", () => {
    const overhead = '[[20,1,""]]'.length;
    const most = "x".repeat(1024 * 1024 - overhead);
    expect(encodeMessage([20, 1, most])).toHaveLength(1024 * 1024 - 2);
    expect(codeOf(() => encodeMessage([20, 1, `${most}x`]))).toBe("PAYLOAD_TOO_LARGE");
  });
});

describe("encodeCall", () => {
  test("writes a call whose input is JSON already", () => {
    expect(encodeCall("query", 1, "a.b", {}, '{"x":1}')).toBe('[10,1,"a.b",{},{"x":1}]');
    expect(encodeCall("subscription", 2, 'q"\n', { lastEventId: "e" }, undefined)).toBe(
      '[12,2,"q\\"\\n",{"lastEventId":"e"}]',
    );
  });

  test("is held to the frame's size as a whole: path, fields and input", () => {
    const call = String(encodeCall("mutation", 1, "é", { lastEventId: "é" }, '"é"'));
    const size = utf8.encode(`[${call}]`).length;
    expect(codeOf(() => encodeCall("mutation", 1, "é", { lastEventId: "é" }, '"é"', size))).toBeUndefined();
    expect(codeOf(() => encodeCall("mutation", 1, "é", { lastEventId: "é" }, '"é"', size - 1))).toBe(
      "PAYLOAD_TOO_LARGE",
    );
  });
});

describe("a call with bytes", () => {
  const withBytes = (bytes: Uint8Array): unknown => rich.serialize({ bytes, at: new Date(0) });

  test("is a binary frame, which holds what the bytes were when it was made, also where it is made again", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const input = encodeInput(withBytes(bytes));
    const frames = [encodeCall("mutation", 1, "save", {}, input), encodeCall("mutation", 77, "save", {}, input)];
    bytes.fill(9);
    frames.push(encodeCall("mutation", 78, "save", { firstId: 1 }, input));
    for (const frame of frames) {
      if (typeof frame === "string") throw new Error("bytes go in a binary frame");
      const [message] = decodeBinaryFrame(frame, everyMessage);
      expect(message?.[0]).toBe(11);
      expect(rich.deserialize(message?.[4])).toEqual({ bytes: Uint8Array.of(1, 2, 3), at: new Date(0) });
    }
  });

  test("is held to the frame's size as a whole", () => {
    const input = encodeInput(withBytes(new Uint8Array(100)));
    const size = encodeCall("mutation", 1, "save", {}, input).length;
    expect(codeOf(() => encodeCall("mutation", 1, "save", {}, input, size))).toBeUndefined();
    expect(codeOf(() => encodeCall("mutation", 1, "save", {}, input, size - 1))).toBe("PAYLOAD_TOO_LARGE");
  });
});

test("encodeInput gives undefined for what JSON leaves out", () => {
  expect([undefined, () => {}, Symbol("s")].map((value) => encodeInput(value))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

describe("decodeFrame", () => {
  test("gives the messages in order", () => {
    expect(decodeFrame('[[22,1],[23,1,"a"],[23,1],[25,1]]', everyMessage)).toEqual([
      [22, 1],
      [23, 1, "a"],
      [23, 1],
      [25, 1],
    ]);
  });

  test("leaves out extensions' messages; a frame of nothing else is empty", () => {
    expect(decodeFrame('[[64,"x"],[25,1],[99]]', everyMessage)).toEqual([[25, 1]]);
    expect(decodeFrame("[[64]]", everyMessage)).toEqual([]);
  });

  test("refuses what is no array of messages", () => {
    const frames = [
      "",
      " ",
      "[",
      "null",
      "1",
      '"[]"',
      "{}",
      "[]",
      "[[]]",
      "[1]",
      "[null]",
      "[[25,1]",
      "[[25,1],]",
      "[[25,1]]x",
      "[10,1]",
      "NaN",
    ];
    expect(frames.map((frame) => [frame, codeOf(() => decodeFrame(frame, everyMessage))])).toEqual(
      frames.map((frame) => [frame, "BAD_MESSAGE"]),
    );
  });

  test("gives nothing of a frame in which one message is bad", () => {
    expect(codeOf(() => decodeFrame("[[25,1],[25,0]]", everyMessage))).toBe("BAD_MESSAGE");
  });

  test("takes the last of duplicate keys", () => {
    expect(decodeValue('{"a":1,"a":2}')).toEqual({ a: 2 });
  });

  test("keeps lone surrogates, NUL and line separators", () => {
    const text = "\ud800 \udc00 \u0000 \u2028 \u2029";
    expect(decodeValue(JSON.stringify(text))).toBe(text);
  });
});

describe("the limits of a frame", () => {
  test("are 4,096 messages", () => {
    const frameOf = (count: number): string => `[${Array<string>(count).fill("[25,1]").join(",")}]`;
    expect(decodeFrame(frameOf(4096), everyMessage)).toHaveLength(4096);
    expect(codeOf(() => decodeFrame(frameOf(4097), everyMessage))).toBe("BAD_MESSAGE");
  });

  test("are whatever the parser refuses, as a bad message", () => {
    const fails = (): never => {
      throw new Error("from the parser");
    };
    expect(codeOf(() => decodeFrame("[[25,1]]", everyMessage, fails))).toBe("BAD_MESSAGE");
    expect(decodeFrame("ignored", everyMessage, () => [[25, 1]])).toEqual([[25, 1]]);
  });
});

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const json = fc
  .jsonValue({ maxDepth: 8 })
  // -0 is not JSON; hostile keys have tests of their own.
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  .filter((value) => !/"(__proto__|constructor)"/.test(JSON.stringify(value)));
const fields = fc.record({ lastEventId: fc.string({ unit: "binary" }) }, { requiredKeys: [] });
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.tuple(fc.constant(0 as const), fc.integer(), fc.record({ params: json }, { requiredKeys: [] })),
  fc.tuple(fc.constant(1 as const), fc.constant({})),
  fc.tuple(fc.constant(2 as const), json),
  fc.tuple(fc.constantFrom(10 as const, 11 as const, 12 as const), id, fc.string({ unit: "binary" }), fields, json),
  fc.tuple(fc.constantFrom(10 as const, 11 as const, 12 as const), id, fc.string(), fields),
  fc.tuple(fc.constant(13 as const), id),
  fc.tuple(fc.constant(13 as const), id, fc.constant("TIMEOUT")),
  fc.tuple(fc.constantFrom(20 as const, 23 as const), id, json),
  fc.tuple(fc.constantFrom(20 as const, 23 as const), id),
  fc.tuple(fc.constant(21 as const), id, json),
  fc.tuple(fc.constantFrom(22 as const, 25 as const), id),
  fc.tuple(fc.constantFrom(24 as const, 26 as const), id, fc.string({ unit: "binary" }), json),
);
const frame = fc.array(message, { minLength: 1, maxLength: 5 });

const parsers = [undefined, parseStrictly];

/** Decodes, and expects nothing to be thrown but what a bad frame throws. */
function decodeOrRefuse(text: string): void {
  for (const parse of parsers)
    expect(["BAD_MESSAGE", undefined]).toContain(codeOf(() => decodeFrame(text, everyMessage, parse)));
}

describe(`for any frame (seed ${seed})`, () => {
  test("decoding gives what was encoded", { timeout: timeoutMs }, () => {
    const property = fc.property(frame, (messages) => {
      const text = `[${messages.map((each) => encodeMessage(each)).join(",")}]`;
      for (const parse of parsers) expect(decodeFrame(text, everyMessage, parse)).toEqual(messages);
    });
    fc.assert(property, { numRuns, seed });
  });

  test("garbage is refused as a bad message, if at all", { timeout: timeoutMs }, () => {
    const token = fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      ",",
      ":",
      '"',
      "\\",
      "\\u",
      "1e999",
      "-0",
      "10",
      "null",
      '"__proto__"',
      " ",
    );
    const garbage = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(token, { maxLength: 200 }).map((tokens) => tokens.join("")),
      fc.json({ maxDepth: 4 }),
      fc.json({ maxDepth: 2 }).map((text) => `[[10,1,${text}]]`),
    );
    fc.assert(fc.property(garbage, decodeOrRefuse), { numRuns, seed });
  });

  test("a frame with characters changed, lost or added is refused as a bad message, if at all", {
    timeout: timeoutMs,
  }, () => {
    const edit = fc.record({
      at: fc.nat(),
      drop: fc.nat({ max: 3 }),
      add: fc.string({ unit: "binary", maxLength: 3 }),
    });
    const property = fc.property(frame, fc.array(edit, { minLength: 1, maxLength: 3 }), (messages, edits) => {
      const text = edits.reduce((whole, { at, drop, add }) => {
        const start = at % (whole.length + 1);
        return whole.slice(0, start) + add + whole.slice(start + drop);
      }, JSON.stringify(messages));
      decodeOrRefuse(text);
    });
    fc.assert(property, { numRuns, seed });
  });
});
