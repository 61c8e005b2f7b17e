import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBinaryFrame } from "./binary-frame.ts";
import { decodeFrame, encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import { rich } from "./rich.ts";

// `PROPERTY_RUNS=…` for another number of runs, `PROPERTY_SEED=…` to repeat one.
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 10_000);
/** What is sent through frames, in so many parts: 100,000 values unless told otherwise. */
const parts = 10;
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
interface ViewClass {
  readonly BYTES_PER_ELEMENT?: number;
  new (memory: ArrayBufferLike, byteOffset: number, length: number): ArrayBufferView;
}
const viewClasses: readonly ViewClass[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];
/** Views on parts of memory, their own or shared. */
const view = fc
  .tuple(fc.constantFrom(...viewClasses), fc.uint8Array({ maxLength: 40 }), fc.nat(2), fc.boolean())
  .map(([View, bytes, before, isShared]) => {
    const elementBytes = View.BYTES_PER_ELEMENT ?? 1;
    const memory = new (isShared ? SharedArrayBuffer : ArrayBuffer)(before * elementBytes + bytes.length);
    new Uint8Array(memory).set(bytes, before * elementBytes);
    return new View(memory, before * elementBytes, Math.floor(bytes.length / elementBytes));
  });
const bytes = fc.oneof(
  view,
  fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
  fc.uint8Array({ maxLength: 40 }).map((array) => Uint8Array.from(array).buffer),
);
const leaf = fc.oneof(
  { weight: 4, arbitrary: primitive },
  bytes,
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
    "$bytes",
    "$float64array",
    "$arraybuffer",
    "$dataview",
    "$",
    "$rich",
    "$x",
    "$__proto__",
    "$constructor",
  );
  return {
    value: fc.oneof(
      { maxDepth: 6, depthSize: "small" },
      fc.oneof(text, fc.constantFrom(null, true, 0, "1", "AAAA", "NaN", "a:", "2026-11-22T10:00:00.000Z", "a", "g")),
      fc.tuple(tag, tie("value")).map(([name, value]) => recordOf([[name, value]], Object.prototype)),
      fc.array(tie("value"), { maxLength: 3 }),
      records(tie("value")),
    ),
  };
}).value;

/** Through a frame: a binary one where there are bytes. */
function sent(value: unknown): unknown {
  const json = rich.serialize(value);
  const encoded = encodeMessage(json === undefined ? [20, 1] : [20, 1, json]);
  const messages =
    typeof encoded === "string" ? decodeFrame(`[${encoded}]`, everyMessage) : decodeBinaryFrame(encoded, everyMessage);
  return rich.deserialize(messages[0]?.[2]);
}

function sentAsJson(value: unknown): unknown {
  const message = JSON.parse(JSON.stringify({ value: rich.serialize(value) })) as { value?: unknown };
  return rich.deserialize(message.value);
}

/** Equal and of the same type, entries and keys in the same order; `__proto__` is no key, and records have the usual prototype. */
function isSame(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return Object.is(actual, expected);
  if (typeof actual !== "object" || actual === null) return false;
  if (Object.getPrototypeOf(actual) !== arrivingPrototype(expected)) return false;
  return isSameList(partsOf(actual), partsOf(expected));
}

/** Records arrive with the usual prototype, and Buffers as plain bytes. */
function arrivingPrototype(value: object): unknown {
  return Buffer.isBuffer(value) ? Uint8Array.prototype : (Object.getPrototypeOf(value) ?? Object.prototype);
}

function isSameList(actual: readonly unknown[], expected: readonly unknown[]): boolean {
  return actual.length === expected.length && actual.every((item, index) => isSame(item, expected[index]));
}

function partsOf(value: object): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value)) return [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  if (value instanceof ArrayBuffer) return [...new Uint8Array(value)];
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
  it.each(Array.from({ length: parts }, (_, part) => seed + part))(
    `each arrives equal and of the same type (${numRuns} values, seed %d)`,
    { timeout: timeoutMs },
    (partSeed) => {
      let binary = 0;
      fc.assert(
        fc.property(anything, (value) => {
          if (typeof encodeMessage([20, 1, rich.serialize(value)]) !== "string") binary++;
          return isSame(sent(value), value);
        }),
        { numRuns, seed: partSeed },
      );
      expect(binary).toBeGreaterThan(numRuns / 20);
    },
  );

  it(`each arrives as JSON alone too (${run})`, { timeout: timeoutMs }, () => {
    fc.assert(
      fc.property(anything, (value) => isSame(sentAsJson(value), value)),
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
    const prototypes = [Object, Array, Map, Set, Date, URL, RegExp, Error, Function, Uint8Array, ArrayBuffer].map(
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
  [
    Object,
    Array,
    Map,
    Set,
    Date,
    URL,
    RegExp,
    Error,
    TautlineError,
    Uint8Array,
    Float64Array,
    DataView,
    ArrayBuffer,
  ].map((type): object => type.prototype),
);

function expectOrdinary(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (!ordinary.has(Object.getPrototypeOf(value))) throw new Error("an object with a foreign prototype");
  if (Object.hasOwn(value, "__proto__")) throw new Error("an own key __proto__");
  for (const part of partsOf(value)) expectOrdinary(part);
}
