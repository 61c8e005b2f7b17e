import { isErrorCode, TautlineError } from "./errors.ts";
import { defaultMaxDepth } from "./options.ts";
import { type OpenStream, StreamSlot } from "./stream-slot.ts";
import { readStreamInput } from "./stream-source.ts";

/** A type of value that JSON does not have, and what stands for it in JSON. */
export interface RichKind<T> {
  /** Names it on the wire: `{ "$name": … }`. Letters and digits, the first a letter. */
  readonly name: string;
  /** Whether a value is of this kind. Asked of objects that are neither arrays nor plain, before the built-in kinds are. */
  is(value: unknown): value is T;
  /** What stands for the value. May hold rich values itself; they are encoded in turn. */
  encode(value: T): unknown;
  /**
   * The value again, from what `encode` gave (rich values in it are decoded already). It comes from the other end of the
   * connection: check it. A `TautlineError` thrown here is passed on as it is, anything else as the cause of a `BAD_REQUEST`.
   */
  decode(json: unknown): T;
}

/** The kinds that a transformer knows. */
export interface RichKinds {
  /** Those of objects, in the order in which they are asked. */
  readonly ofObjects: readonly BuiltInKind<unknown>[];
  /** By `$` and name. */
  readonly byTag: ReadonlyMap<string, BuiltInKind<unknown>>;
}

/** What one message may still spend on kinds that take long to read. */
export interface RichBudget {
  regExpLength: number;
  errors: number;
}

/** One run through a message: what it may still spend, and what goes beside its JSON. */
export interface RichMessage extends RichBudget {
  /** Of a message that is written: the streams in it. */
  readonly slots: StreamSlot[];
  /** Of a message that is read: opens a stream; undefined where nothing carries streams. */
  readonly openStream: OpenStream | undefined;
}

export function createRichMessage(openStream?: OpenStream): RichMessage {
  return { regExpLength: maxRegExpLength, errors: maxErrors, slots: [], openStream };
}

/** A kind of this package's own: it also sees the message's budget. */
interface BuiltInKind<T> extends Pick<RichKind<T>, "name" | "is"> {
  encode(value: T, message: RichMessage): unknown;
  decode(json: unknown, message: RichMessage): T;
}

/**
 * How many levels a value may nest, as it is written in JSON: a Map takes three, a Set two. The frame, the message and the mark
 * around a value with rich values take the rest of what a frame may nest.
 */
export const maxRichDepth: number = defaultMaxDepth - 3;
/** Characters of a BigInt, its sign included: enough for 8,192 bits. Reading one takes the square of its length. */
const maxBigIntLength = 2500;
/** Characters of a URL. */
const maxUrlLength = 8192;
/**
 * Characters of all the RegExp sources of a message together: five of them (`\p{L}`) can take 0.05 ms to read, so a limit for
 * each RegExp alone would not do.
 */
const maxRegExpLength = 1000;
/** Errors in a message: making one takes 0.01 ms, for its stack. */
const maxErrors = 1000;

const dateKind: BuiltInKind<Date> = {
  name: "date",
  is: (value) => value instanceof Date,
  // Called on the prototype, since subclasses that carry a time zone write an offset.
  encode: (date) => (Number.isNaN(date.getTime()) ? null : Date.prototype.toISOString.call(date)),
  decode(json) {
    if (json === null) return new Date(Number.NaN);
    const text = textOf(json, 27);
    const date = new Date(isoDate.test(text) ? text : Number.NaN);
    // `new Date` takes 31 April for 1 May and 24:00 for the next day's 00:00; an invalid date's day is NaN.
    if (date.getUTCDate() !== Number(text.slice(-16, -14)))
      throw invalidValue("$date holds an ISO date in UTC, or null");
    return date;
  },
};

/** What `toISOString` writes: years 0000 to 9999, or signed ones of six digits (ECMA-262, section 21.4.1.32). */
const isoDate = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const mapKind: BuiltInKind<ReadonlyMap<unknown, unknown>> = {
  name: "map",
  is: (value) => value instanceof Map,
  encode: (map) => [...map],
  decode(json) {
    const map = new Map<unknown, unknown>();
    for (const entry of arrayOf(json)) {
      const pair = arrayOf(entry);
      if (pair.length !== 2) throw invalidValue("$map holds pairs of a key and a value");
      map.set(pair[0], pair[1]);
    }
    return map;
  },
};

const setKind: BuiltInKind<ReadonlySet<unknown>> = {
  name: "set",
  is: (value) => value instanceof Set,
  encode: (set) => [...set],
  decode: (json) => new Set(arrayOf(json)),
};

const urlKind: BuiltInKind<URL> = {
  name: "url",
  is: (value) => value instanceof URL,
  encode: (url) => textOf(url.href, maxUrlLength),
  decode(json) {
    const href = textOf(json, maxUrlLength);
    // `href` is ASCII whatever the URL was made from, and what is not takes long to convert.
    if (!/^[\x20-\x7e]*$/.test(href)) throw invalidValue("$url holds a URL in ASCII");
    return new URL(href);
  },
};

const regExpKind: BuiltInKind<RegExp> = {
  name: "regexp",
  is: (value) => value instanceof RegExp,
  encode({ source, flags }, budget) {
    checkRegExp(source, flags, budget);
    return [source, flags];
  },
  decode(json, budget) {
    const [source, flags, ...rest] = arrayOf(json);
    if (typeof source !== "string" || typeof flags !== "string" || rest.length > 0) {
      throw invalidValue("$regexp holds a source and flags");
    }
    checkRegExp(source, flags, budget);
    return new RegExp(source, flags);
  },
};

/** Without the flag `v`: with it, reading the 13 characters of `\p{RGI_Emoji}` can take 30 ms. */
function checkRegExp(source: string, flags: string, budget: RichBudget): void {
  if (!/^[dgimsuy]{0,7}$/.test(flags)) throw invalidValue("a RegExp's flags are of d, g, i, m, s, u and y");
  budget.regExpLength -= Math.max(source.length, 1);
  if (budget.regExpLength < 0) throw invalidValue(`a message's RegExps have ${maxRegExpLength} characters at most`);
}

/** Name, stack and cause are not sent. With one of our codes (a TRPCError's, say) it arrives as a TautlineError. */
const errorKind: BuiltInKind<Error> = {
  name: "error",
  is: (value) => value instanceof Error,
  encode(error, budget) {
    countError(budget);
    const message = String(error.message);
    return "code" in error && isErrorCode(error.code) ? { code: error.code, message } : { message };
  },
  decode(json, budget) {
    countError(budget);
    if (typeof json !== "object" || json === null || !("message" in json)) {
      throw invalidValue("$error holds an object with a message");
    }
    const message = textOf(json.message);
    return "code" in json && isErrorCode(json.code)
      ? new TautlineError({ code: json.code, message })
      : new Error(message);
  },
};

function countError(budget: RichBudget): void {
  if (--budget.errors < 0) throw invalidValue(`a message holds ${maxErrors} Errors at most`);
}

/** An async iterable, a ReadableStream, a Blob: its items do not travel in the message, but behind it. */
const streamKind: BuiltInKind<object> = {
  name: "stream",
  is: (value): value is object => typeof value === "object" && value !== null && readStreamInput(value) !== undefined,
  encode(value, { slots }) {
    const input = readStreamInput(value);
    if (input === undefined) throw invalidValue("no stream");
    const slot = new StreamSlot(input);
    slots.push(slot);
    return slot;
  },
  decode(json, { openStream }) {
    const [number, size, ...rest] = arrayOf(json);
    if (!isCount(number) || number === 0 || !(size === undefined || isCount(size)) || rest.length > 0)
      throw invalidValue("$stream holds a number, and a size where it is known");
    if (openStream === undefined) throw invalidValue("nothing carries streams here");
    return openStream(number, size);
  },
};

function isCount(json: unknown): json is number {
  return typeof json === "number" && Number.isSafeInteger(json) && json >= 0;
}

/** The kinds of primitive values are told apart by `typeof`; their `is` is not asked. */
export const undefinedKind: BuiltInKind<undefined> = {
  name: "undefined",
  is: (value) => value === undefined,
  encode: () => true,
  decode(json) {
    if (json !== true) throw invalidValue("$undefined holds true");
    return undefined;
  },
};

export const bigIntKind: BuiltInKind<bigint> = {
  name: "bigint",
  is: (value) => typeof value === "bigint",
  encode: (value) => textOf(String(value), maxBigIntLength),
  decode(json) {
    const digits = textOf(json, maxBigIntLength);
    if (!/^(?:0|-?[1-9]\d*)$/.test(digits)) throw invalidValue("$bigint holds decimal digits");
    return BigInt(digits);
  },
};

/** The numbers that JSON does not have. */
export const numberKind: BuiltInKind<number> = {
  name: "number",
  is: (value) => typeof value === "number",
  encode: (value) => (value === 0 ? "-0" : String(value)),
  decode(json) {
    const number = numbers.get(json);
    if (number === undefined) throw invalidValue("$number holds NaN, Infinity, -Infinity or -0");
    return number;
  },
};

const numbers: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
]);

// Bytes (Uint8Array, ArrayBuffer, typed arrays) belong here once frames carry attachments. Until then they are what
// JSON.stringify makes of them.
const kindsOfObjects = [dateKind, mapKind, setKind, urlKind, regExpKind, errorKind, streamKind];

export const builtInKinds: RichKinds = {
  ofObjects: kindsOfObjects,
  byTag: new Map([...kindsOfObjects, undefinedKind, bigIntKind, numberKind].map((kind) => [`$${kind.name}`, kind])),
};

/** The same kinds and one more, which is asked first. */
export function withKind(kinds: RichKinds, kind: RichKind<unknown>): RichKinds {
  const tag = `$${kind.name}`;
  if (!/^\$[a-z][a-z0-9]*$/i.test(tag) || reservedTags.has(tag) || kinds.byTag.has(tag)) {
    throw new TypeError(`"${kind.name}" cannot name a kind of rich value: letters and digits, and not taken yet`);
  }
  return { ofObjects: [kind, ...kinds.ofObjects], byTag: new Map([...kinds.byTag, [tag, kind]]) };
}

/** The first marks a message; the second is for what is to come. */
const reservedTags: ReadonlySet<string> = new Set(["$rich", "$bytes"]);

/** The kind of an object, undefined where it has none. */
export function kindOf(value: object, kinds: RichKinds): RichKinds["ofObjects"][number] | undefined {
  for (const kind of kinds.ofObjects) if (kind.is(value)) return kind;
  return undefined;
}

/** An array, or an object that a literal or JSON made: never of a kind. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Why a value was refused, in either direction. */
export function invalidValue(message: string, cause?: unknown): TautlineError {
  return new TautlineError({ code: "BAD_REQUEST", message, cause });
}

function textOf(json: unknown, maxLength: number = Number.POSITIVE_INFINITY): string {
  if (typeof json !== "string") throw invalidValue("a string was expected");
  if (json.length > maxLength) throw invalidValue(`over ${maxLength} characters`);
  return json;
}

function arrayOf(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw invalidValue("an array was expected");
  return json;
}
