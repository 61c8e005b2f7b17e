import { describe, expect, it } from "vitest";
import { rich } from "./rich.ts";
import { decode, nested, refusal, sent } from "./testing/rich-wire.ts";

describe("what cannot be sent", () => {
  it.each([
    [
      "an object that holds itself",
      () => {
        const a: Record<string, unknown> = {};
        a["a"] = [a];
        return a;
      },
    ],
    [
      "a Map that holds itself",
      () => {
        const map = new Map<unknown, unknown>();
        map.set("me", map);
        return map;
      },
    ],
    [
      "an object around a Set that holds it",
      () => {
        const a = { set: new Set<unknown>() };
        a.set.add(a);
        return a;
      },
    ],
  ])("is refused as circular: %s", (_name, make) => {
    expect(refusal(() => rich.serialize(make()))).toMatchObject({
      code: "BAD_REQUEST",
      message: "cannot be encoded: circular",
    });
  });

  it("nests over 61 levels, with and without rich values", () => {
    expect(sent(nested(61))).toStrictEqual(nested(61));
    expect(sent(nested(60, new Date(0)))).toStrictEqual(nested(60, new Date(0)));
    expect(refusal(() => rich.serialize(nested(62))).message).toBe("cannot be encoded: nested over 61 levels");
    expect(refusal(() => rich.serialize(nested(61, new Date(0)))).code).toBe("BAD_REQUEST");
    expect(sent(nested(58, new Map([[1, 1]])))).toStrictEqual(nested(58, new Map([[1, 1]])));
    expect(refusal(() => rich.serialize(nested(59, new Map([[1, 1]])))).code).toBe("BAD_REQUEST");
    const looksRich = [nested(58, { $date: 1 }), 1n];
    expect(sent(looksRich)).toStrictEqual(looksRich);
    expect(refusal(() => rich.serialize([nested(59, { $date: 1 }), 1n])).code).toBe("BAD_REQUEST");
  });

  it.each([
    ["a BigInt of 2,501 digits", 10n ** 2500n],
    ["a URL of 8,193 characters", new URL(`a:${"b".repeat(8191)}`)],
    ["a RegExp of 1,001 characters", new RegExp("a".repeat(1001))],
    ["RegExps of 1,001 characters together", [new RegExp("a".repeat(501)), new RegExp("b".repeat(500))]],
    ["1,001 Errors", Array.from({ length: 1001 }, () => new Error("e"))],
    ["a RegExp with the flag v", new RegExp("a", "v")],
  ])("is over a limit: %s", (_name, value) => {
    expect(refusal(() => rich.serialize({ value })).code).toBe("BAD_REQUEST");
  });

  it("throws what the value's own getter throws", () => {
    const boom = new Error("boom");
    const value = {
      at: new Date(0),
      get bad(): never {
        throw boom;
      },
    };
    expect(() => rich.serialize(value)).toThrow(boom);
  });

  it("is just inside a limit: it arrives", () => {
    const values = [10n ** 2499n, new URL(`a:${"b".repeat(8190)}`), new RegExp("a".repeat(1000)), new Error("e")];
    expect(sent(values)).toStrictEqual(values);
  });
});

describe("hostile JSON", () => {
  it.each([
    ["an unknown tag", '{"$what":1}', "unknown rich value $what"],
    ["a tag off Object.prototype", '{"$constructor":1}', "unknown rich value $constructor"],
    ["a tag that is the prototype's", '{"$__proto__":1}', "unknown rich value $__proto__"],
    ["a mark inside a mark", '{"$rich":1}', "unknown rich value $rich"],
    ["a very long tag", `{"$${"x".repeat(100_000)}":1}`, `unknown rich value $${"x".repeat(39)}`],
  ])("is refused with the tag's name: %s", (_name, json, message) => {
    expect(refusal(() => decode(`{"$rich":${json}}`))).toMatchObject({ code: "BAD_REQUEST", message });
  });

  it.each([
    ...["5", '""', '"today"', '"2026-11-22"', '"2026-13-01T00:00:00.000Z"', '"2026-04-31T00:00:00.000Z"', "{}"].map(
      (j) => ["$date", j],
    ),
    ...['"2026-11-22T24:00:00.000Z"', '"2026-11-22T10:00:00.000+01:00"', '"-000000-01-01T00:00:00.000Z"'].map((j) => [
      "$date",
      j,
    ]),
    ...['""', '"0x10"', '"1e9"', '" 1"', '"-0"', '"01"', '"1\\n"', "1", "[]", `"${"9".repeat(2501)}"`].map((j) => [
      "$bigint",
      j,
    ]),
    ...["{}", "[1]", "[[1]]", "[[1,2,3]]", '"ab"', "null"].map((j) => ["$map", j]),
    ...["{}", '"ab"', "null", "1"].map((j) => ["$set", j]),
    ...["1", "null", '"0"', '"1"', '"toString"'].map((j) => ["$number", j]),
    ...["false", "null"].map((j) => ["$undefined", j]),
    ...['"/a"', '""', "1", '"http://é/"', `"a:${"b".repeat(8192)}"`].map((j) => ["$url", j]),
    ...['"a"', '["a"]', '["a","","x"]', '["(",""]', '["a","gg"]', '["a","v"]', '["a","x"]', '[1,""]'].map((j) => [
      "$regexp",
      j,
    ]),
    ...[`["${"a".repeat(1001)}",""]`].map((j) => ["$regexp", j]),
    ...["null", '"a"', "{}", '{"message":1}', "[]"].map((j) => ["$error", j]),
    ...["1", "null", "[]"].map((j) => ["$", j]),
  ])("is refused: %s that holds %.40s", (tag, json) => {
    expect(refusal(() => decode(`{"$rich":[{"${tag}":${json}}]}`)).code).toBe("BAD_REQUEST");
  });

  it("is refused where the mark does not stand alone", () => {
    expect(refusal(() => decode('{"$rich":1,"more":2}')).code).toBe("BAD_REQUEST");
    expect(refusal(() => decode('{"$rich":1,"__proto__":2}')).code).toBe("BAD_REQUEST");
  });

  it("is refused over 61 levels, of arrays, objects, tags or escapes", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
      ['{"$set":[', "]}"],
      ['{"$":{"$a":', "}}"],
    ] as const) {
      const levels = (count: number): string => `{"$rich":${open.repeat(count)}1${close.repeat(count)}}`;
      const most = Math.floor(61 / (open.match(/[[{]/g)?.length ?? 0));
      expect(() => decode(levels(most))).not.toThrow();
      expect(refusal(() => decode(levels(most + 1))).code).toBe("BAD_REQUEST");
      expect(refusal(() => decode(levels(5000))).code).toBe("BAD_REQUEST");
    }
  });

  it("cannot set a prototype: the key __proto__ does not arrive beside a rich value", () => {
    const value = decode(
      '{"$rich":{"__proto__":{"polluted":1},"a":{"$":{"__proto__":{"polluted":1}}},"b":{"$bigint":"1"}}}',
    );
    expect(value).toStrictEqual({ a: {}, b: 1n });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("cannot set a prototype on the way out either", () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":1}}');
    const json = rich.serialize([value, 1n]) as { readonly $rich: readonly unknown[] };
    expect(json).toStrictEqual({ $rich: [{}, { $bigint: "1" }] });
    expect(Object.getPrototypeOf(json.$rich[0])).toBe(Object.prototype);
  });

  it("keeps keys that are names of Object.prototype as own keys", () => {
    const value = decode(
      '{"$rich":{"constructor":{"prototype":{"polluted":1}},"toString":1,"b":{"$bigint":"1"}}}',
    ) as object;
    expect(Object.keys(value)).toEqual(["constructor", "toString", "b"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  // What takes long to read is bounded by its length, and by how much of it there is in a message. The bench says how long it takes.
  it.each([
    ["a BigInt", 2_500, (length: number) => `{"$bigint":"${"9".repeat(length)}"}`],
    ["a date", 27, (length: number) => `{"$date":"${"+275760-09-13T00:00:00.000Z".padEnd(length, "0")}"}`],
    ["a URL", 8_192, (length: number) => `{"$url":"${"a:".padEnd(length, "b")}"}`],
    ["a RegExp", 1_000, (length: number) => `{"$regexp":["${"a".repeat(length)}",""]}`],
    [
      "RegExps together",
      1_000,
      (length: number) =>
        `[${Array(length / 2)
          .fill('{"$regexp":["aa",""]}')
          .join(",")}]`,
    ],
    ["empty RegExps", 1_000, (count: number) => `[${Array(count).fill('{"$regexp":["","iu"]}').join(",")}]`],
    ["Errors", 1_000, (count: number) => `[${Array(count).fill('{"$error":{"message":""}}').join(",")}]`],
  ] as const)("is read up to a limit, and refused over it: %s, %d", (_name, most, write) => {
    expect(() => decode(`{"$rich":${write(most)}}`)).not.toThrow();
    for (const tooMuch of [most + 2, 100 * most]) {
      expect(refusal(() => decode(`{"$rich":${write(tooMuch)}}`)).code).toBe("BAD_REQUEST");
    }
  });
});
