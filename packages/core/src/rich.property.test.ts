import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TautlineError } from "./errors.ts";
import { rich } from "./rich.ts";

// `PROPERTY_RUNS=100000` for the long run, `PROPERTY_SEED=…` to repeat one.
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 10_000);
const seed = Number(process.env["PROPERTY_SEED"] ?? Date.now() % 2 ** 31);
const timeoutMs = 30_000 + numRuns * 5;

const hostileKeys = [
  "$rich",
  "$date",
  "$map",
  "$",
  "$$",
  "$what",
  "__proto__",
  "constructor",
  "prototype",
  "toJSON",
  "0",
  "",
];
/** Code units as they come: NUL, lone surrogates and U+2028 too. */
const text = fc.oneof(
  fc.string(),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
);
const key = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...hostileKeys) }, text);

/** Keys are defined, not set: `__proto__` becomes an own key. */
function recordOf(members: readonly (readonly [string, unknown])[], prototype: object | null): object {
  const record = Object.create(prototype) as object;
  for (const [name, value] of members) {
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return record;
}

function records(member: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const prototype = fc.constantFrom(Object.prototype, Object.prototype, null);
  return fc.tuple(fc.array(fc.tuple(key, member), { maxLength: 4 }), prototype).map(([m, p]) => recordOf(m, p));
}

const error = fc
  .tuple(text, fc.constantFrom("TIMEOUT", "OUTCOME_UNKNOWN", undefined))
  .map(([message, code]) => (code === undefined ? new Error(message) : new TautlineError({ code, message })));
const regExp = fc.constantFrom(/a/, /[\]/"]+/gimsuy, /\n\u2028/d, new RegExp(""), new RegExp("\u2028/"));
const primitive = fc.oneof(
  fc.constantFrom(null, true, false, undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
  fc.double(),
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
  text,
);
const leaf = fc.oneof(
  { weight: 4, arbitrary: primitive },
  fc.date({ noInvalidDate: false }),
  fc.webUrl().map((url) => new URL(url)),
  regExp,
  error,
);

const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    records(tie("value")),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).value;

// JSON has no -0.
const jsonNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number));
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: "small" },
    fc.oneof(fc.constantFrom(null, true, false), jsonNumber, text),
    fc.array(tie("value"), { maxLength: 4 }),
    records(tie("value")),
  ),
})).value;

/** JSON that is made to look like `rich`'s: tags that hold anything. */
const hostileJson = fc.letrec<{ value: unknown }>((tie) => {
  const tag = fc.constantFrom(
    "$date",
    "$map",
    "$set",
    "$bigint",
    "$number",
    "$undefined",
    "$url",
    "$regexp",
    "$error",
    "$",
    "$rich",
    "$x",
    "$__proto__",
    "$constructor",
  );
  return {
    value: fc.oneof(
      { maxDepth: 6, depthSize: "small" },
      fc.oneof(text, fc.constantFrom(null, true, 0, "1", "NaN", "a:", "2026-11-22T10:00:00.000Z", "a", "g")),
      fc.tuple(tag, tie("value")).map(([name, value]) => recordOf([[name, value]], Object.prototype)),
      fc.array(tie("value"), { maxLength: 3 }),
      records(tie("value")),
    ),
  };
}).value;

function sent(value: unknown): unknown {
  const message = JSON.parse(JSON.stringify({ value: rich.serialize(value) })) as { value?: unknown };
  return rich.deserialize(message.value);
}

/** Equal and of the same type, entries and keys in the same order; `__proto__` is no key, and records have the usual prototype. */
function isSame(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return Object.is(actual, expected);
  if (typeof actual !== "object" || actual === null) return false;
  const prototype: unknown = Object.getPrototypeOf(expected) ?? Object.prototype;
  if (Object.getPrototypeOf(actual) !== prototype) return false;
  return isSameList(partsOf(actual), partsOf(expected));
}

function isSameList(actual: readonly unknown[], expected: readonly unknown[]): boolean {
  return actual.length === expected.length && actual.every((item, index) => isSame(item, expected[index]));
}

function partsOf(value: object): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value].flat(1);
  if (value instanceof Set) return [...value];
  if (value instanceof Date) return [value.getTime()];
  if (value instanceof URL) return [value.href];
  if (value instanceof RegExp) return [value.source, value.flags];
  if (value instanceof Error) return [value.message, value instanceof TautlineError ? value.code : undefined];
  return Object.entries(value)
    .filter(([name]) => name !== "__proto__")
    .flat(1);
}

const run = `${numRuns} values, seed ${seed}`;

describe("rich, with random values", () => {
  it(`each arrives equal and of the same type (${run})`, { timeout: timeoutMs }, () => {
    fc.assert(
      fc.property(anything, (value) => isSame(sent(value), value)),
      { numRuns, seed },
    );
  });

  it(`each that JSON can hold is serialized as the same reference, unless it is marked itself (${run})`, {
    timeout: timeoutMs,
  }, () => {
    fc.assert(
      fc.property(json, (value) => {
        const isMarked = typeof value === "object" && value !== null && Object.hasOwn(value, "$rich");
        return (rich.serialize(value) !== value) === isMarked && isSame(sent(value), value);
      }),
      { numRuns, seed },
    );
  });

  it(`hostile JSON is decoded or refused, and no prototype changes (${run})`, { timeout: timeoutMs }, () => {
    const prototypes = [Object, Array, Map, Set, Date, URL, RegExp, Error, Function].map(
      (type): object => type.prototype,
    );
    const before = prototypes.map((prototype) => JSON.stringify(Object.getOwnPropertyNames(prototype)));
    let decoded = 0;
    fc.assert(
      fc.property(hostileJson, (value) => {
        const message: unknown = JSON.parse(JSON.stringify({ $rich: value }));
        try {
          expectOrdinary(rich.deserialize(message));
          decoded++;
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(TautlineError);
          expect(thrown).toMatchObject({ code: "BAD_REQUEST" });
        }
      }),
      { numRuns, seed },
    );
    expect(prototypes.map((prototype) => JSON.stringify(Object.getOwnPropertyNames(prototype)))).toEqual(before);
    // Both ways were taken.
    expect(decoded).toBeGreaterThan(numRuns / 20);
    expect(decoded).toBeLessThan(numRuns);
  });
});

const ordinary: ReadonlySet<unknown> = new Set(
  [Object, Array, Map, Set, Date, URL, RegExp, Error, TautlineError].map((type): object => type.prototype),
);

function expectOrdinary(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (!ordinary.has(Object.getPrototypeOf(value))) throw new Error("an object with a foreign prototype");
  if (Object.hasOwn(value, "__proto__")) throw new Error("an own key __proto__");
  for (const part of partsOf(value)) expectOrdinary(part);
}
