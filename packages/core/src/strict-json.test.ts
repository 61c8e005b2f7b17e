import { describe, expect, test } from "vitest";
import { decodeFrame } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import { parseStrictly } from "./strict-json.ts";

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    return thrown instanceof TautlineError ? thrown.code : String(thrown);
  }
  return undefined;
}

/** What the first message of a frame, a result, holds. */
function decodeValue(json: string): unknown {
  return decodeFrame(`[[20,1,${json}]]`, everyMessage, parseStrictly)[0]?.[2];
}

describe("the depth of a text", () => {
  const nest = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

  test("is 64 levels at most", () => {
    expect(codeOf(() => parseStrictly(`[[20,1,${nest(62)}]]`))).toBeUndefined();
    expect(codeOf(() => parseStrictly(`[[20,1,${nest(63)}]]`))).toBe("BAD_MESSAGE");
  });

  test("counts objects too, and any mixture", () => {
    const mixed = (levels: number): string => '[{"a":'.repeat(levels / 2) + "1" + "}]".repeat(levels / 2);
    expect(codeOf(() => parseStrictly(`[[20,1,${mixed(62)}]]`))).toBeUndefined();
    expect(codeOf(() => parseStrictly(`[[20,1,${mixed(64)}]]`))).toBe("BAD_MESSAGE");
  });

  test("starts again where it has ended: many shallow values are no deep one", () => {
    const wide = Array<string>(1000).fill(nest(60)).join(",");
    expect(codeOf(() => parseStrictly(`[[20,1,[${wide}]]]`))).toBeUndefined();
  });

  test("brackets inside strings are no nesting, whatever is escaped there", () => {
    const brackets = "[{".repeat(100);
    const strings = [
      brackets,
      `\\${brackets}`,
      `"${brackets}`,
      `${brackets}\\`,
      `\\\\"${brackets}\\"`,
      `\n"\\${brackets}`,
    ];
    for (const value of strings) {
      expect(decodeValue(JSON.stringify(value))).toBe(value);
      expect(decodeValue(JSON.stringify({ [value]: [value] }))).toEqual({ [value]: [value] });
    }
  });

  test("brackets after a string that only looks open are nesting", () => {
    for (const value of ["\\", '"', '\\"', "\\\\", '"\\']) {
      expect(codeOf(() => parseStrictly(`[[20,1,[${JSON.stringify(value)},${nest(62)}]]]`))).toBe("BAD_MESSAGE");
    }
  });

  test("a string without end is bad, as is deep nesting around it, and neither is parsed for long", () => {
    expect(codeOf(() => decodeFrame(`[[20,1,"${"\\".repeat(100_001)}`, everyMessage, parseStrictly))).toBe(
      "BAD_MESSAGE",
    );
    expect(codeOf(() => parseStrictly("[".repeat(1_000_000)))).toBe("BAD_MESSAGE");
    expect(codeOf(() => parseStrictly(`${"[".repeat(65)}"`))).toBe("BAD_MESSAGE");
  });

  test("is what it was set to", () => {
    expect(codeOf(() => parseStrictly("[[[1]]]", 3))).toBeUndefined();
    expect(codeOf(() => parseStrictly("[[[[1]]]]", 3))).toBe("BAD_MESSAGE");
  });
});

describe("hostile keys", () => {
  const spellings = (key: string): string[] => [
    key,
    key.replace(/[_c]/, (character) => `\\u00${character.charCodeAt(0).toString(16)}`),
    key.replace(/./g, (character) => `\\u00${character.charCodeAt(0).toString(16).toUpperCase()}`),
  ];

  test("__proto__ is left out at every level, however it is spelt", () => {
    for (const key of spellings("__proto__")) {
      const value = decodeValue(`{"a":[{"${key}":{"polluted":1},"b":{"${key}":null,"c":1}}],"${key}":1}`);
      expect(value).toEqual({ a: [{ b: { c: 1 } }] });
      expect(Object.hasOwn(value as object, "__proto__")).toBe(false);
    }
    expect(Object.getPrototypeOf(decodeValue('{"__proto__":{"polluted":1}}'))).toBe(Object.prototype);
    expect("polluted" in {}).toBe(false);
  });

  test("constructor is left out where it holds a prototype, however the two are spelt", () => {
    for (const key of spellings("constructor")) {
      expect(decodeValue(`[{"${key}":{"prototype":{"polluted":1}},"b":1}]`)).toEqual([{ b: 1 }]);
      expect(decodeValue(`{"${key}":{"\\u0070rototype":null}}`)).toEqual({});
    }
  });

  test("constructor stays where it is an ordinary key, as does prototype", () => {
    const value = { constructor: "Acme", of: { constructor: { year: 1999 }, prototype: [1] } };
    expect(decodeValue(JSON.stringify(value))).toEqual(value);
  });

  test("are only keys: the same words as values stay, as does a message's path", () => {
    expect(parseStrictly('[[10,1,"__proto__",{},["__proto__","constructor"]]]')).toEqual([
      [10, 1, "__proto__", {}, ["__proto__", "constructor"]],
    ]);
  });

  test("leave arrays as they are, with every item in its place", () => {
    expect(decodeValue('["\\u0041",null,{"__proto__":1},[]]')).toEqual(["A", null, {}, []]);
  });
});
