import { describe, expect, it } from "vitest";
import { TautlineError } from "./errors.ts";
import { rich } from "./rich.ts";
import { decode, sent, wire } from "./testing/rich-wire.ts";

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

it("works with its functions taken off it", () => {
  const { serialize, deserialize } = rich;
  expect(deserialize(JSON.parse(JSON.stringify(serialize([1n]))))).toStrictEqual([1n]);
});
