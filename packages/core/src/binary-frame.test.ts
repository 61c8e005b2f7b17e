import { describe, expect, test } from "vitest";
import { decodeBinaryFrame, encodeBinaryFrame } from "./binary-frame.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import { parseStrictly } from "./strict-json.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A frame as anybody might make it. */
function frameOf(json: string, rest: readonly number[] = [], jsonBytes = Buffer.byteLength(json)): Bytes {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(jsonBytes);
  return Uint8Array.from([...head, ...Buffer.from(json), ...rest]);
}

function received(message: readonly unknown[] | undefined): (number: number) => Bytes | undefined {
  const value = message?.at(-1) as Record<symbol, { received(number: number): Bytes | undefined }>;
  const [symbol = Symbol()] = Object.getOwnPropertySymbols(value);
  return (number) => value[symbol]?.received(number);
}

describe("a binary frame", () => {
  test("is the length of a JSON text, the text, and the attachments one after the other", () => {
    const frame = encodeBinaryFrame(
      '[20,1,{"$rich":"ü"}]',
      [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)],
      100,
    );
    expect(frame).toEqual(frameOf('[[20,1,{"$rich":"ü"}],2,0,1]', [1, 2, 3]));
    const [message] = decodeBinaryFrame(frame, everyMessage);
    expect(message?.slice(0, 2)).toEqual([20, 1]);
    expect(JSON.stringify(message)).toBe('[20,1,{"$rich":"ü"}]');
    expect([0, 1, 2].map(received(message))).toEqual([Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]);
    expect([3, -1, 0.5, Number.NaN].map(received(message))).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("counts its attachments against the frame's size", () => {
    const message = '[20,1,{"$rich":0}]';
    const size = frameOf(`[${message},60]`).length + 60;
    expect(encodeBinaryFrame(message, [new Uint8Array(60)], size)).toHaveLength(size);
    expect(() => encodeBinaryFrame(message, [new Uint8Array(60)], size - 1)).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
    );
  });

  test("may itself be a view of larger memory", () => {
    const frame = frameOf('[[20,1,{"$rich":0}],2]', [7, 8]);
    const memory = new Uint8Array(frame.length + 20);
    memory.set(frame, 11);
    const [message] = decodeBinaryFrame(memory.subarray(11, 11 + frame.length), everyMessage);
    expect(received(message)(0)).toEqual(Uint8Array.of(7, 8));
  });

  test("gives a view where an attachment is most of what is in memory, and a copy where it is not, or is for several", () => {
    const large = frameOf('[[20,1,{"$rich":0}],1000,100]', Array<number>(1100).fill(5));
    const take = received(decodeBinaryFrame(large, everyMessage)[0]);
    expect(take(0)?.buffer).toBe(large.buffer);
    expect(take(1)?.buffer.byteLength).toBe(100);
    const event = frameOf('[[35,1,"e",{"$rich":0}],1000]', Array<number>(1000).fill(5));
    const forEach = received(decodeBinaryFrame(event, everyMessage)[0]);
    expect(forEach(0)).toEqual(forEach(0));
    expect(new Set([event.buffer, forEach(0)?.buffer, forEach(0)?.buffer]).size).toBe(3);
    expect(Buffer.isBuffer(received(decodeBinaryFrame(Buffer.from(large), everyMessage)[0])(1))).toBe(false);
  });

  test("gives a view of 8 KiB or more where an attachment is a fifth of what is in memory, as where frames come together", () => {
    const kib = 1024;
    const frame = frameOf(`[[20,1,{"$rich":0}],${13 * kib},${9 * kib}]`, Array<number>(22 * kib).fill(5));
    const memory = new Uint8Array(64 * kib);
    memory.set(frame, kib);
    const take = received(decodeBinaryFrame(memory.subarray(kib, kib + frame.length), everyMessage)[0]);
    expect(take(0)?.buffer).toBe(memory.buffer);
    expect(take(1)?.buffer.byteLength).toBe(9 * kib);
  });

  test("carries a part of a message as its attachment", () => {
    expect(decodeBinaryFrame(frameOf("[[18,1,0,10],3]", [1, 2, 3]), everyMessage)).toEqual([
      [18, 1, 0, 10, Uint8Array.of(1, 2, 3)],
    ]);
    expect(decodeBinaryFrame(frameOf("[[32,1,2,10],3]", [1, 2, 3]), everyMessage)).toEqual([
      [32, 1, 2, 10, Uint8Array.of(1, 2, 3)],
    ]);
  });

  test("of an extension is empty", () => {
    expect(decodeBinaryFrame(frameOf('[[64,{"$rich":0}],1]', [1]), everyMessage)).toEqual([]);
  });

  test.each<[string, Bytes]>([
    ["that is empty", Uint8Array.of()],
    ["shorter than its head", Uint8Array.of(0, 0, 0)],
    ["whose JSON is longer than it", frameOf('[[20,1,{"$rich":0}],0]', [], 23)],
    ["whose JSON is as long as can be said", Uint8Array.of(255, 255, 255, 255, 91, 93)],
    ["whose JSON is shorter than said", frameOf('[[20,1,{"$rich":0}],4]', [1, 2, 3, 4], 23)],
    ["whose JSON is cut", frameOf('[[20,1,{"$rich":0}],4]', [1, 2, 3, 4], 21)],
    ["without JSON", frameOf("")],
    ["whose JSON is no UTF-8", Uint8Array.of(0, 0, 0, 4, 0x22, 0xc0, 0xaf, 0x22)],
    ["with a byte order mark", frameOf('\ufeff[[20,1,{"$rich":0}],1]', [1])],
    ["of no array", frameOf('{"length":2}')],
    ["of no message", frameOf("[]")],
    ["of a number in a message's place", frameOf("[20,1]", [1])],
    ["of several messages", frameOf('[[[20,1,{"$rich":0}],[20,2,{"$rich":0}]],1]', [1])],
    ["of a malformed message", frameOf('[[20,0,{"$rich":0}],1]', [1])],
    ["of a message of an unknown type", frameOf('[[63,1,{"$rich":0}],1]', [1])],
    ["without attachments", frameOf('[[20,1,{"$rich":0}]]')],
    ["with more attachments than may be", frameOf(`[[20,1,{"$rich":0}]${",0".repeat(1025)}]`)],
    ["with too little after its JSON", frameOf('[[20,1,{"$rich":0}],5]', [1, 2, 3, 4])],
    ["with something left over", frameOf('[[20,1,{"$rich":0}],3]', [1, 2, 3, 4])],
    ["with a negative length", frameOf('[[20,1,{"$rich":0}],-1,5]', [1, 2, 3, 4])],
    ["with a fraction of a length", frameOf('[[20,1,{"$rich":0}],1.5,2.5]', [1, 2, 3, 4])],
    ["with a length beyond all numbers", frameOf('[[20,1,{"$rich":0}],1e999]', [1])],
    ["with lengths whose sum is not exact", frameOf('[[20,1,{"$rich":0}],9007199254740991,9007199254740991]', [1])],
    ["with a length that is no number", frameOf('[[20,1,{"$rich":0}],"1"]', [1])],
    ["with null for a length", frameOf('[[20,1,{"$rich":0}],null]')],
    ["with attachments of a message without a value", frameOf("[[20,1],1]", [1])],
    ["with attachments of a value that is not marked", frameOf('[[20,1,{"rich":0}],1]', [1])],
    ["with attachments of a text", frameOf('[[20,1,"$rich"],1]', [1])],
    ["with two parts", frameOf("[[18,1,0,10],1,1]", [1, 2])],
    ["with a part of text too", frameOf('[[18,1,0,10,"text"],1]', [1])],
    ["of 65 levels", frameOf(`[[20,1,{"$rich":${"[".repeat(62)}${"]".repeat(62)}}],1]`, [1])],
  ])("%s is a bad message", (_name, frame) => {
    let thrown: unknown;
    try {
      decodeBinaryFrame(frame, everyMessage, parseStrictly);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TautlineError);
    expect(thrown).toMatchObject({ code: "BAD_MESSAGE" });
  });

  test("of 64 levels is taken, and names that reach for prototypes are left out of it", () => {
    const deep = frameOf(`[[20,1,{"$rich":${"[".repeat(61)}${"]".repeat(61)}}],1]`, [1]);
    expect(decodeBinaryFrame(deep, everyMessage, parseStrictly)).toHaveLength(1);
    const [message] = decodeBinaryFrame(
      frameOf('[[20,1,{"$rich":{"__proto__":{"a":1}}}],1]', [1]),
      everyMessage,
      parseStrictly,
    );
    expect(JSON.stringify(message)).toBe('[20,1,{"$rich":{}}]');
  });
});
