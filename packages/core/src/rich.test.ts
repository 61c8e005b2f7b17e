import { describe, expect, it } from "vitest";
import { TautlineError } from "./errors.ts";
import { rich } from "./rich.ts";

/** What the other side receives: through JSON's text, in a message that leaves out an undefined value. */
function sent(value: unknown, transformer: Pick<typeof rich, "serialize" | "deserialize"> = rich): unknown {
  const message = JSON.parse(JSON.stringify({ value: transformer.serialize(value) })) as { value?: unknown };
  return transformer.deserialize(message.value);
}

function wire(value: unknown): string {
  return JSON.stringify(rich.serialize(value));
}

function decode(json: string): unknown {
  return rich.deserialize(JSON.parse(json));
}

function refusal(run: () => unknown): TautlineError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof TautlineError) return thrown;
    throw thrown;
  }
  throw new Error("was not refused");
}

/** Objects in objects, `levels` of them. */
function nested(levels: number, innermost: unknown = 0): unknown {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = { in: value };
  return value;
}

describe("a value without rich values", () => {
  it.each([
    ["an object", { text: "a", numbers: [1, -2.5, 1e300], nothing: null, yes: true, deep: [{ a: [[]] }] }],
    ["an object with no prototype", Object.assign(Object.create(null) as object, { a: 1 })],
    [
      "a class instance",
      new (class Point {
        x = 1;
        private y = 2;
        sum(): number {
          return this.x + this.y;
        }
      })(),
    ],
    ["keys that look like tags", { items: [{ $date: "2026" }], $map: 1 }],
    ["a string", "text"],
    ["null", null],
  ])("is serialized as the same reference: %s", (_name, value) => {
    expect(rich.serialize(value)).toBe(value);
  });

  it("is deserialized as the same reference", () => {
    const json = { items: [{ $date: "2026-11-22T10:00:00.000Z" }], n: 1 };
    expect(rich.deserialize(json)).toBe(json);
  });

  it("undefined is left out of the message, and arrives", () => {
    expect(rich.serialize(undefined)).toBeUndefined();
    expect(rich.deserialize(undefined)).toBeUndefined();
  });
});

describe("the wire form", () => {
  it.each([
    ["a Date", new Date(Date.UTC(2026, 10, 22, 10)), '{"$date":"2026-11-22T10:00:00.000Z"}'],
    ["a Date far from now", new Date(8.64e15), '{"$date":"+275760-09-13T00:00:00.000Z"}'],
    ["a Date before the year 0", new Date(-8.64e15), '{"$date":"-271821-04-20T00:00:00.000Z"}'],
    ["an invalid Date", new Date(Number.NaN), '{"$date":null}'],
    ["a BigInt", -123n, '{"$bigint":"-123"}'],
    ["a Map", new Map([["a", 1]]), '{"$map":[["a",1]]}'],
    ["a Set", new Set([1, "a"]), '{"$set":[1,"a"]}'],
    ["NaN", Number.NaN, '{"$number":"NaN"}'],
    ["Infinity", Number.POSITIVE_INFINITY, '{"$number":"Infinity"}'],
    ["-Infinity", Number.NEGATIVE_INFINITY, '{"$number":"-Infinity"}'],
    ["-0", -0, '{"$number":"-0"}'],
    ["a URL", new URL("https://example.com/a?b=c d#e"), '{"$url":"https://example.com/a?b=c%20d#e"}'],
    ["a URL that is not of the web", new URL("data:text/plain,a b~"), '{"$url":"data:text/plain,a b~"}'],
    ["a RegExp", /a\/"b"\p{L}/giu, '{"$regexp":["a\\\\/\\"b\\"\\\\p{L}","giu"]}'],
    ["undefined in an object", { a: undefined }, '{"a":{"$undefined":true}}'],
    ["undefined in an array", [undefined], '[{"$undefined":true}]'],
    [
      "an object that looks like a Date beside a rich value",
      [{ $date: "x" }, 1n],
      '[{"$":{"$date":"x"}},{"$bigint":"1"}]',
    ],
    ["an object that looks escaped beside a rich value", [{ $: 5 }, 1n], '[{"$":{"$":5}},{"$bigint":"1"}]'],
    ["an object that looks marked", { $rich: 1 }, '{"$":{"$rich":1}}'],
    ["an object with a mark among its keys", { $rich: 1, a: 2 }, '{"$rich":1,"a":2}'],
  ])("of %s is under the message's mark, and arrives", (_name, value, json) => {
    expect(wire(value)).toBe(`{"$rich":${json}}`);
    expect(sent(value)).toStrictEqual(value);
    expect(sent({ deep: [value] })).toStrictEqual({ deep: [value] });
  });

  it("of an Error is its message, and an Error arrives", () => {
    const error = new RangeError("too far", { cause: "secret" });
    expect(wire(error)).toBe('{"$rich":{"$error":{"message":"too far"}}}');
    expect(sent(error)).toStrictEqual(new Error("too far"));
  });

  it("of an error with one of our codes has the code, and a TautlineError arrives", () => {
    const error = Object.assign(new Error("not yours"), { code: "FORBIDDEN" });
    expect(wire(error)).toBe('{"$rich":{"$error":{"code":"FORBIDDEN","message":"not yours"}}}');
    expect(sent(error)).toStrictEqual(new TautlineError({ code: "FORBIDDEN", message: "not yours" }));
  });

  it("of an error with another code is its message alone", () => {
    expect(wire(Object.assign(new Error("gone"), { code: "ENOENT" }))).toBe('{"$rich":{"$error":{"message":"gone"}}}');
    expect(sent(new TautlineError({ code: "TIMEOUT" }))).toBeInstanceOf(TautlineError);
    expect(decode('{"$rich":{"$error":{"code":"constructor","message":"m"}}}')).not.toBeInstanceOf(TautlineError);
  });
});

describe("what JSON.stringify decides", () => {
  const money = { toJSON: () => ({ amount: 5n, on: new Date(0) }) };

  it("toJSON is called, and what it gives may be rich", () => {
    expect(sent({ price: money })).toStrictEqual({ price: { amount: 5n, on: new Date(0) } });
  });

  it("toJSON is called on class instances, and plain results are not marked", () => {
    class Id {
      readonly #id = "7";
      toJSON(): string {
        return this.#id;
      }
    }
    expect(wire([new Id()])).toBe('["7"]');
  });

  it("what toJSON returns is not asked for its own toJSON", () => {
    const inner = { a: 1n, toJSON: () => "never" };
    expect(sent({ toJSON: () => inner })).toStrictEqual({ a: 1n });
  });

  it("a Date's own toJSON is not asked, a Date arrives", () => {
    expect(sent(Object.assign(new Date(0), { toJSON: () => "no" }))).toStrictEqual(new Date(0));
  });

  it("functions and symbols are left out of objects and null in arrays, Maps and Sets", () => {
    const omitted = [() => 1, Symbol("s")] as const;
    expect(sent({ a: omitted[0], b: omitted[1], c: 1n })).toStrictEqual({ c: 1n });
    expect(sent([...omitted, 1n])).toStrictEqual([null, null, 1n]);
    expect(sent(new Map([[1, omitted[0]]]))).toStrictEqual(new Map([[1, null]]));
    expect(sent({ $date: "text", f: omitted[0], g: 1n })).toStrictEqual({ $date: "text", g: 1n });
    expect(sent([{ $date: "text", f: omitted[0] }, 1n])).toStrictEqual([{ $date: "text" }, 1n]);
  });

  it("class instances arrive as plain objects of their own keys, rich values in them too", () => {
    class Base {
      at = new Date(0);
    }
    expect(sent({ it: new Base() })).toStrictEqual({ it: { at: new Date(0) } });
  });

  it("wrapped primitives arrive as primitives beside a rich value as without one", () => {
    const wrapped = [Object(1), Object("a"), Object(false)] as unknown[];
    expect(sent(wrapped)).toStrictEqual([1, "a", false]);
    expect(sent([...wrapped, 1n])).toStrictEqual([1, "a", false, 1n]);
  });

  it("what is referred to twice arrives twice", () => {
    const shared = { at: new Date(0) };
    expect(wire([shared, shared])).toBe(
      '{"$rich":[{"at":{"$date":"1970-01-01T00:00:00.000Z"}},{"at":{"$date":"1970-01-01T00:00:00.000Z"}}]}',
    );
  });

  it("a hole in an array arrives as undefined", () => {
    // oxlint-disable-next-line no-sparse-arrays -- a hole is the point
    expect(sent([1, , 2])).toStrictEqual([1, undefined, 2]);
  });

  it("the value itself is not changed", () => {
    const value = Object.freeze({
      $date: Object.freeze([new Date(0)]),
      deep: Object.freeze(new Map([[{ $set: 1 }, 1n]])),
    });
    expect(sent(value)).toStrictEqual(value);
  });
});

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

describe("rich.extend", () => {
  class Money {
    readonly cents: bigint;
    constructor(cents: bigint) {
      this.cents = cents;
    }
    toJSON(): string {
      return `${this.cents} cents`;
    }
  }

  const withMoney = rich.extend({
    name: "money",
    is: (value) => value instanceof Money,
    encode: (money) => money.cents,
    decode(json) {
      if (typeof json !== "bigint") throw new Error("no cents");
      return new Money(json);
    },
  });

  it("carries one more kind, whose encoding may be rich itself", () => {
    expect(JSON.stringify(withMoney.serialize([new Money(5n)]))).toBe('{"$rich":[{"$money":{"$bigint":"5"}}]}');
    expect(sent([new Money(5n), new Date(0)], withMoney)).toStrictEqual([new Money(5n), new Date(0)]);
  });

  it("leaves the transformer it extends as it was", () => {
    expect(sent(new Money(5n))).toBe("5 cents");
    expect(refusal(() => decode('{"$rich":{"$money":{"$bigint":"5"}}}')).message).toBe("unknown rich value $money");
  });

  it("asks the newest kind first, before the built-in ones", () => {
    class Moment extends Date {}
    const withMoment = withMoney.extend({
      name: "moment",
      is: (value) => value instanceof Moment,
      encode: (moment) => moment.getTime(),
      decode: (json) => new Moment(Number(json)),
    });
    expect(sent([new Moment(5), new Date(5), new Money(1n)], withMoment)).toStrictEqual([
      new Moment(5),
      new Date(5),
      new Money(1n),
    ]);
  });

  it("makes what its decode throws a BAD_REQUEST, with the cause; a TautlineError stays", () => {
    const broken = refusal(() => withMoney.deserialize({ $rich: { $money: "5" } }));
    expect(broken).toMatchObject({ code: "BAD_REQUEST", cause: new Error("no cents") });
    const picky = rich.extend({
      name: "picky",
      is: (value): value is WeakKey => value instanceof WeakMap,
      encode: () => 0,
      decode: () => {
        throw new TautlineError({ code: "FORBIDDEN" });
      },
    });
    expect(refusal(() => picky.deserialize({ $rich: { $picky: 0 } })).code).toBe("FORBIDDEN");
  });

  it.each(["date", "undefined", "rich", "bytes", "int8array", "dataview", "", "$a", "a-b", "1a", "a\n"])(
    "refuses the name %j",
    (name) => {
      const kind = { name, is: (_value: unknown): _value is Date => false, encode: String, decode: () => new Date() };
      expect(() => rich.extend(kind)).toThrow(TypeError);
    },
  );
});

it("works with its functions taken off it", () => {
  const { serialize, deserialize } = rich;
  expect(deserialize(JSON.parse(JSON.stringify(serialize([1n]))))).toStrictEqual([1n]);
});
