import { describe, expect, it } from "vitest";
import { decodeBinaryFrame, encodeBinaryFrame } from "./binary-frame.ts";
import { decodeFrame, encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import type { EncodedMessage } from "./frame.ts";
import { rich } from "./rich.ts";

const most = 1024 * 1024;

/** What the other side receives, through a frame. */
function sent(value: unknown, transformer: Pick<typeof rich, "serialize" | "deserialize"> = rich): unknown {
  return transformer.deserialize(valueIn(encodeMessage([20, 1, transformer.serialize(value)])));
}

function valueIn(message: EncodedMessage): unknown {
  return (
    typeof message === "string" ? decodeFrame(`[${message}]`, everyMessage) : decodeBinaryFrame(message, everyMessage)
  )[0]?.[2];
}

/** What it receives where only JSON goes, as over tRPC's own links. */
function sentAsJson(value: unknown): unknown {
  return rich.deserialize(JSON.parse(JSON.stringify(rich.serialize(value))));
}

/** A marked value with attachments as somebody else's program might send it. */
function decode(json: string, ...attachments: Uint8Array[]): unknown {
  const message = `[20,1,{"$rich":${json}}]`;
  return rich.deserialize(valueIn(encodeBinaryFrame(message, attachments, 2 * most)));
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    return thrown instanceof TautlineError ? thrown.code : "not a TautlineError";
  }
  return undefined;
}

const memory = Uint8Array.from({ length: 64 }, (_, index) => index * 37).buffer;
const shared = new SharedArrayBuffer(8);
new Uint8Array(shared).set([1, 2, 3, 4, 5, 6, 7, 8]);

const values: readonly [tag: string, value: ArrayBufferView | ArrayBuffer, arrives?: ArrayBufferView][] = [
  ["bytes", Uint8Array.of(0, 127, 255)],
  ["bytes", new Uint8Array()],
  ["bytes", new Uint8Array(memory, 3, 9), Uint8Array.from(new Uint8Array(memory, 3, 9))],
  ["bytes", Buffer.from("a Buffer"), Uint8Array.from(Buffer.from("a Buffer"))],
  ["bytes", new Uint8Array(shared, 1, 3), Uint8Array.of(2, 3, 4)],
  ["arraybuffer", Uint8Array.of(1, 2, 3).buffer],
  ["arraybuffer", new ArrayBuffer(0)],
  ["int8array", Int8Array.of(-128, 127)],
  ["uint8clampedarray", Uint8ClampedArray.of(0, 255)],
  ["int16array", Int16Array.of(-32_768, 32_767)],
  ["uint16array", Uint16Array.of(0, 65_535)],
  ["int32array", new Int32Array(memory, 4, 3), Int32Array.from(new Int32Array(memory, 4, 3))],
  ["uint32array", Uint32Array.of(4_294_967_295)],
  ["float32array", Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY)],
  ["float64array", Float64Array.of(0.1, -0, Number.NaN)],
  ["float64array", new Float64Array()],
  ["bigint64array", BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
  ["biguint64array", BigUint64Array.of(2n ** 64n - 1n)],
  ["dataview", new DataView(Uint8Array.of(1, 2, 3).buffer)],
];

describe("bytes", () => {
  it.each(values)(
    "arrive as what they were, in a frame and as JSON: $%s %o",
    (tag, value, arrives = value as never) => {
      const holder = { deep: [new Map([[1, value]])] };
      const expected = { deep: [new Map([[1, arrives]])] };
      expect(sent(holder)).toStrictEqual(expected);
      expect(sentAsJson(holder)).toStrictEqual(expected);
      expect(rich.deserialize(rich.serialize(holder))).toStrictEqual(expected);
      expect(JSON.stringify(rich.serialize([value]))).toContain(`{"$${tag}":`);
    },
  );

  it("are not aliases of what was sent", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const received = [sent(bytes), sentAsJson(bytes), rich.deserialize(rich.serialize(bytes))];
    bytes.fill(9);
    for (const value of received) expect(value).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("stand in JSON as numbers in the order of their places, and elements little-endian", () => {
    const value = { a: Uint8Array.of(1), b: [Uint16Array.of(258)], c: new Date(0), d: Uint8Array.of(4) };
    const json =
      '{"a":{"$bytes":0},"b":[{"$uint16array":{"$bytes":1}}],"c":{"$date":"1970-01-01T00:00:00.000Z"},"d":{"$bytes":2}}';
    const attachments = [Uint8Array.of(1), Uint8Array.of(2, 1), Uint8Array.of(4)];
    expect(encodeMessage([20, 1, rich.serialize(value)])).toEqual(
      encodeBinaryFrame(`[20,1,{"$rich":${json}}]`, attachments, most),
    );
  });

  it("are not copied on arrival where they are most of the frame, but what must lie at another place", () => {
    const frame = encodeMessage([20, 1, rich.serialize({ bytes: new Uint8Array(1000) })]);
    if (typeof frame === "string") throw new Error("bytes go in a binary frame");
    const { bytes } = rich.deserialize(valueIn(frame)) as { bytes: Uint8Array };
    expect(bytes.buffer).toBe(frame.buffer);
    for (const text of ["", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg"]) {
      expect(sent([text, Float64Array.of(1.5, 2.5, 3.5, 4.5, 5.5, 6.5)])).toStrictEqual([
        text,
        Float64Array.of(1.5, 2.5, 3.5, 4.5, 5.5, 6.5),
      ]);
    }
  });

  it("may be what a kind of one's own is encoded as", () => {
    class Key {
      readonly bytes: Uint8Array;
      constructor(bytes: Uint8Array) {
        this.bytes = bytes;
      }
    }
    const withKey = rich.extend({
      name: "key",
      is: (value) => value instanceof Key,
      encode: ({ bytes }) => bytes,
      decode: (bytes) => new Key(bytes as Uint8Array),
    });
    expect(sent([new Key(Uint8Array.of(1, 2))], withKey)).toStrictEqual([new Key(Uint8Array.of(1, 2))]);
  });

  it("may be a kind of one's own themselves: that is asked first", () => {
    class Vector extends Float32Array {}
    const withVector = rich.extend({
      name: "vector",
      is: (value) => value instanceof Vector,
      encode: (vector) => Float32Array.from(vector),
      decode: (json) => Vector.from(json as Float32Array),
    });
    expect(sent([Vector.of(1, 2)], withVector)).toStrictEqual([Vector.of(1, 2)]);
    expect(sent([Vector.of(1, 2)])).toStrictEqual([Float32Array.of(1, 2)]);
  });

  it("nest as deep as other values", () => {
    const nested = (levels: number): unknown => (levels === 0 ? Float64Array.of(1) : [nested(levels - 1)]);
    expect(sent(nested(59))).toStrictEqual(nested(59));
    expect(codeOf(() => rich.serialize(nested(60)))).toBe("BAD_REQUEST");
  });

  it("stand in 1,024 places of a message at most", () => {
    const places = (count: number): Uint8Array[] => Array.from({ length: count }, () => Uint8Array.of(1));
    expect(sent(places(1024))).toStrictEqual(places(1024));
    expect(codeOf(() => rich.serialize(places(1025)))).toBe("BAD_REQUEST");
  });

  it("in a value that was serialized twice arrive after both are undone", () => {
    const twice = {
      serialize: (value: unknown) => rich.serialize(rich.serialize(value)),
      deserialize: rich.deserialize,
    };
    expect(rich.deserialize(sent([Uint8Array.of(1, 2)], twice))).toStrictEqual([Uint8Array.of(1, 2)]);
  });

  it("which an attachment stands for are given out anew where the value is read again", () => {
    const value = valueIn(encodeMessage([20, 1, rich.serialize([Uint8Array.of(1, 2)])]));
    expect(rich.deserialize(value)).toStrictEqual(rich.deserialize(value));
  });
});

describe("hostile bytes", () => {
  it.each([
    ["an attachment twice", '[{"$bytes":0},{"$bytes":0}]'],
    ["one that is not there", '{"$bytes":1}'],
    ["a negative number", '{"$bytes":-1}'],
    ["a fraction", '{"$bytes":0.5}'],
    ["null", '{"$bytes":null}'],
    ["an array", '{"$bytes":[0]}'],
    ["an object", '{"$bytes":{"bytes":0}}'],
    ["a name of the array's", '{"$bytes":"length"}'],
    ["base64 without padding", '{"$bytes":"AAA"}'],
    ["base64 for URLs", '{"$bytes":"AA-_"}'],
    ["white space", '{"$bytes":"AA A"}'],
    ["an array's JSON in the place of bytes", '{"$float64array":[1]}'],
    ["a number in the place of bytes", '{"$float64array":0}'],
    ["another array in the place of bytes", '{"$float64array":{"$int8array":{"$bytes":0}}}'],
    ["three bytes of a Uint16Array", '{"$uint16array":{"$bytes":0}}'],
    ["three bytes of a Float64Array", '{"$float64array":{"$bytes":"AQID"}}'],
  ])("are refused: %s", (_name, json) => {
    expect(codeOf(() => decode(json, Uint8Array.of(1, 2, 3)))).toBe("BAD_REQUEST");
  });

  it("are refused where nothing came with the value", () => {
    expect(codeOf(() => rich.deserialize({ $rich: { $bytes: 0 } }))).toBe("BAD_REQUEST");
  });

  it("cannot have 1 MiB copied 10,000 times", () => {
    const json = `[${Array(10_000).fill('{"$float64array":{"$bytes":0}}').join()}]`;
    expect(codeOf(() => decode(json, new Uint8Array(most)))).toBe("BAD_REQUEST");
  });

  it("that nothing refers to are let go", () => {
    expect(decode("[1]", Uint8Array.of(1))).toEqual([1]);
  });
});
