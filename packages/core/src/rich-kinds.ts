import { isErrorCode, TautlineError } from "./errors.ts";
import { defaultMaxDepth } from "./options.ts";
import { bytesKindOf, bytesKinds } from "./rich-bytes.ts";
import type { AskedKind, BuiltInKind, RichKind } from "./rich-kind.ts";
import { invalidValue, type RichMessage } from "./rich-message.ts";
import { streamKind } from "./rich-stream.ts";

/** The kinds that a transformer knows. */
export interface RichKinds {
  /** Those that were added, the newest first: they are asked before all others. */
  readonly added: readonly AskedKind<unknown>[];
  /** By `$` and name. */
  readonly byTag: ReadonlyMap<string, BuiltInKind<unknown>>;
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
const dateKind: AskedKind<Date> = {
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

const mapKind: AskedKind<ReadonlyMap<unknown, unknown>> = {
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

const setKind: AskedKind<ReadonlySet<unknown>> = {
  name: "set",
  is: (value) => value instanceof Set,
  encode: (set) => [...set],
  decode: (json) => new Set(arrayOf(json)),
};

const urlKind: AskedKind<URL> = {
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

const regExpKind: AskedKind<RegExp> = {
  name: "regexp",
  is: (value) => value instanceof RegExp,
  encode({ source, flags }, message) {
    checkRegExp(source, flags, message);
    return [source, flags];
  },
  decode(json, message) {
    const [source, flags, ...rest] = arrayOf(json);
    if (typeof source !== "string" || typeof flags !== "string" || rest.length > 0) {
      throw invalidValue("$regexp holds a source and flags");
    }
    checkRegExp(source, flags, message);
    return new RegExp(source, flags);
  },
};

/** Without the flag `v`: with it, reading the 13 characters of `\p{RGI_Emoji}` can take 30 ms. */
function checkRegExp(source: string, flags: string, message: RichMessage): void {
  if (!/^[dgimsuy]{0,7}$/.test(flags)) throw invalidValue("a RegExp's flags are of d, g, i, m, s, u and y");
  message.spendRegExp(source.length);
}

/** Name, stack and cause are not sent. With one of our codes (a TRPCError's, say) it arrives as a TautlineError. */
const errorKind: AskedKind<Error> = {
  name: "error",
  is: (value) => value instanceof Error,
  encode(error, rich) {
    rich.spendError();
    const message = String(error.message);
    return "code" in error && isErrorCode(error.code) ? { code: error.code, message } : { message };
  },
  decode(json, rich) {
    rich.spendError();
    if (typeof json !== "object" || json === null || !("message" in json)) {
      throw invalidValue("$error holds an object with a message");
    }
    const message = textOf(json.message);
    return "code" in json && isErrorCode(json.code)
      ? new TautlineError({ code: json.code, message })
      : new Error(message);
  },
};

/** The kinds of primitive values are told apart by `typeof`. */
export const undefinedKind: BuiltInKind<undefined> = {
  name: "undefined",
  encode: () => true,
  decode(json) {
    if (json !== true) throw invalidValue("$undefined holds true");
    return undefined;
  },
};

export const bigIntKind: BuiltInKind<bigint> = {
  name: "bigint",
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

const askedKinds = [dateKind, mapKind, setKind, urlKind, regExpKind, errorKind, streamKind];
const allKinds: readonly BuiltInKind<unknown>[] = [...askedKinds, ...bytesKinds, undefinedKind, bigIntKind, numberKind];

export const builtInKinds: RichKinds = {
  added: [],
  byTag: new Map(allKinds.map((kind) => [`$${kind.name}`, kind])),
};

/** The same kinds and one more, which is asked first. */
export function withKind(kinds: RichKinds, kind: RichKind<unknown>): RichKinds {
  const tag = `$${kind.name}`;
  if (!/^\$[a-z][a-z0-9]*$/i.test(tag) || tag === "$rich" || kinds.byTag.has(tag)) {
    throw new TypeError(`"${kind.name}" cannot name a kind of rich value: letters and digits, and not taken yet`);
  }
  return { added: [kind, ...kinds.added], byTag: new Map([...kinds.byTag, [tag, kind]]) };
}

/** The kind of an object, undefined where it has none. */
export function kindOf(value: object, kinds: RichKinds): BuiltInKind<unknown> | undefined {
  for (const kind of kinds.added) if (kind.is(value)) return kind;
  return bytesKindOf(value) ?? askedKinds.find((kind) => kind.is(value));
}

/** An array, or an object that a literal or JSON made: never of a kind, unless it can be iterated as a stream. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !(Symbol.asyncIterator in value);
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
