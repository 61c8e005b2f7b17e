import { attached } from "./attached.ts";
import { Attachment } from "./attachments.ts";
import type { BuiltInKind } from "./rich-kind.ts";
import { bigIntKind, isPlain, kindOf, maxRichDepth, numberKind, type RichKinds, undefinedKind } from "./rich-kinds.ts";
import { invalidValue, RichMessage } from "./rich-message.ts";
import { StreamSlot } from "./stream-slot.ts";

/** Whether a value has the own key that marks a message with rich values. */
export function isMarked(value: unknown): value is { readonly $rich: unknown } {
  // `in` first: it is cached by shape, and nearly always false.
  return typeof value === "object" && value !== null && "$rich" in value && Object.hasOwn(value, "$rich");
}

/**
 * Whether JSON alone would not do: the value holds a rich value, something that JSON takes for another value first (`toJSON`), or
 * nests too deep. Every outgoing message comes through here, so nothing is allocated, and getters may run twice.
 */
export function needsEncoding(value: unknown, kinds: RichKinds, depth: number): boolean {
  switch (typeof value) {
    case "object":
      return value !== null && objectNeedsEncoding(value, kinds, depth);
    case "number":
      return value === 0 ? 1 / value < 0 : !Number.isFinite(value);
    default:
      return typeof value === "bigint" || value === undefined;
  }
}

function objectNeedsEncoding(value: object, kinds: RichKinds, depth: number): boolean {
  if (depth === maxRichDepth) return true;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (needsEncoding(value[index], kinds, depth + 1)) return true;
    return false;
  }
  if (!isPlain(value) && (kindOf(value, kinds) !== undefined || hasToJson(value))) return true;
  const record = value as Readonly<Record<string, unknown>>;
  // `for in` allocates nothing. Inherited keys can only make it look closer than it had to.
  for (const key in record) {
    const member = record[key];
    if (typeof member === "function" ? key === "toJSON" : needsEncoding(member, kinds, depth + 1)) return true;
  }
  return false;
}

/** One run through a value. */
interface Encoding {
  readonly kinds: RichKinds;
  readonly message: RichMessage;
  /** The values around the one being written, outermost first. */
  readonly ancestors: unknown[];
  /** Whether something was written that a receiver has to decode. */
  decodable: boolean;
}

/**
 * The value in JSON's terms: marked where the other side has to decode it.
 *
 * @throws TautlineError `BAD_REQUEST` where the value is circular, nests too deep or is over a kind's limit. What the value's own
 * getters and `toJSON` throw is passed on.
 */
export function encodeRich(value: unknown, kinds: RichKinds): unknown {
  const encoding: Encoding = { kinds, message: new RichMessage(), ancestors: [], decodable: false };
  const json = encodeOutermost(value, encoding);
  if (!encoding.decodable && !isMarked(json)) return json;
  const beside = encoding.message.attached;
  return beside === undefined ? { $rich: json } : { $rich: json, [attached]: beside };
}

function encodeOutermost(value: unknown, encoding: Encoding): unknown {
  try {
    return encodeValue(value, encoding);
  } catch (error) {
    encoding.message.discard();
    throw error;
  }
}

function encodeValue(value: unknown, encoding: Encoding): unknown {
  switch (typeof value) {
    case "object":
      return value === null ? null : encodeObject(value, encoding);
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : encodeKind(numberKind, value, encoding);
    case "bigint":
      return encodeKind(bigIntKind, value, encoding);
    case "undefined":
    case "function":
    case "symbol":
      return encodeKind(undefinedKind, undefined, encoding);
    default:
      return value;
  }
}

function encodeObject(value: object, encoding: Encoding): unknown {
  const kind = isPlain(value) ? undefined : kindOf(value, encoding.kinds);
  if (kind !== undefined) return encodeKind(kind, value, encoding);
  return hasToJson(value) ? encodeReplacement(value.toJSON(""), encoding) : encodeMembers(value, encoding);
}

/** As in JSON.stringify, what `toJSON` returned is not asked for its own `toJSON`. */
function encodeReplacement(value: unknown, encoding: Encoding): unknown {
  if (typeof value !== "object" || value === null) return encodeValue(value, encoding);
  const kind = isPlain(value) ? undefined : kindOf(value, encoding.kinds);
  return kind === undefined ? encodeMembers(value, encoding) : encodeKind(kind, value, encoding);
}

function encodeKind<T>(kind: BuiltInKind<T>, value: T, encoding: Encoding): unknown {
  encoding.decodable = true;
  enter(value, encoding);
  const encoded = kind.encode(value, encoding.message);
  // Written when the message is: only then it has its number.
  const json =
    encoded instanceof Attachment || encoded instanceof StreamSlot ? encoded : encodeValue(encoded, encoding);
  encoding.ancestors.pop();
  return { [`$${kind.name}`]: json };
}

function encodeMembers(value: object, encoding: Encoding): unknown {
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return encodeValue(value.valueOf(), encoding);
  }
  enter(value, encoding);
  const json = Array.isArray(value)
    ? encodeItems(value, encoding)
    : encodeRecord(value as Readonly<Record<string, unknown>>, encoding);
  encoding.ancestors.pop();
  return json;
}

function encodeItems(items: readonly unknown[], encoding: Encoding): unknown[] {
  const json: unknown[] = [];
  for (let index = 0; index < items.length; index++) {
    json.push(isSent(items[index]) ? encodeValue(items[index], encoding) : null);
  }
  return json;
}

function encodeRecord(record: Readonly<Record<string, unknown>>, encoding: Encoding): Record<string, unknown> {
  const keys = Object.keys(record);
  if (!looksRich(record, keys)) return encodeEntries(record, keys, encoding);
  encoding.decodable = true;
  enter(keys, encoding);
  const json = { $: encodeEntries(record, keys, encoding) };
  encoding.ancestors.pop();
  return json;
}

/** Whether a receiver would take the object for a rich value: all that is sent of it is one key, with the tags' sign. */
function looksRich(record: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  if (!keys.some((key) => key.startsWith("$"))) return false;
  const sent = keys.filter((key) => key !== "__proto__" && isSent(record[key]));
  return sent.length === 1 && sent[0]?.startsWith("$") === true;
}

function encodeEntries(
  record: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  encoding: Encoding,
): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const key of keys) {
    // To set `__proto__` would set the prototype.
    if (key !== "__proto__" && isSent(record[key])) json[key] = encodeValue(record[key], encoding);
  }
  return json;
}

function enter(value: unknown, { ancestors }: Encoding): void {
  if (ancestors.length === maxRichDepth) {
    const circular = new Set(ancestors).size < ancestors.length;
    throw invalidValue(`cannot be encoded: ${circular ? "circular" : `nested over ${maxRichDepth} levels`}`);
  }
  ancestors.push(value);
}

/** As in JSON.stringify: left out of objects, null in arrays. */
function isSent(member: unknown): boolean {
  return typeof member !== "function" && typeof member !== "symbol";
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}
