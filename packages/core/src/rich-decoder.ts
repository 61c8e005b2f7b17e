import { attachedTo } from "./attached.ts";
import { Attachment } from "./attachments.ts";
import { TautlineError } from "./errors.ts";
import { maxRichDepth, type RichKinds } from "./rich-kinds.ts";
import { invalidValue, RichMessage } from "./rich-message.ts";

/** One run through the JSON of a marked message. */
interface Decoding {
  readonly kinds: RichKinds;
  readonly message: RichMessage;
}

/**
 * The value that the JSON under a message's mark stands for. Made anew: the JSON is not changed.
 *
 * @throws TautlineError `BAD_REQUEST` where the JSON nests too deep, a tag is unknown, or what a tag holds is not of its kind.
 */
export function decodeRich(marked: { readonly $rich: unknown }, kinds: RichKinds): unknown {
  if (Object.keys(marked).length !== 1) throw invalidValue("$rich stands alone in its object");
  return decodeValue(marked.$rich, 0, { kinds, message: new RichMessage(attachedTo(marked)) });
}

/** `depth` is the number of arrays and objects around the JSON. */
function decodeValue(json: unknown, depth: number, decoding: Decoding): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (depth === maxRichDepth) throw invalidValue(`nested over ${maxRichDepth} levels`);
  return Array.isArray(json)
    ? decodeItems(json, depth + 1, decoding)
    : decodeRecord(json as Readonly<Record<string, unknown>>, depth + 1, decoding);
}

function decodeItems(json: readonly unknown[], depth: number, decoding: Decoding): unknown[] {
  const items: unknown[] = [];
  for (let index = 0; index < json.length; index++) items.push(decodeValue(json[index], depth, decoding));
  return items;
}

function decodeRecord(json: Readonly<Record<string, unknown>>, depth: number, decoding: Decoding): unknown {
  const keys = Object.keys(json);
  const tag = keys.length === 1 ? keys[0] : undefined;
  if (tag === undefined || !tag.startsWith("$")) return decodeMembers(json, keys, depth, decoding);
  return tag === "$" ? decodeEscaped(json[tag], depth, decoding) : decodeKind(tag, json[tag], depth, decoding);
}

/** An object that only looks like a rich value: its key is a key. */
function decodeEscaped(json: unknown, depth: number, decoding: Decoding): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw invalidValue("$ holds an object");
  if (depth === maxRichDepth) throw invalidValue(`nested over ${maxRichDepth} levels`);
  return decodeMembers(json as Readonly<Record<string, unknown>>, Object.keys(json), depth + 1, decoding);
}

function decodeMembers(
  json: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  depth: number,
  decoding: Decoding,
): unknown {
  const record: Record<string, unknown> = {};
  for (const key of keys) {
    // To set it would set the prototype.
    if (key !== "__proto__") record[key] = decodeValue(json[key], depth, decoding);
  }
  return record;
}

function decodeKind(tag: string, json: unknown, depth: number, decoding: Decoding): unknown {
  const kind = decoding.kinds.byTag.get(tag);
  if (kind === undefined) throw invalidValue(`unknown rich value ${tag.slice(0, 40)}`);
  const encoded = json instanceof Attachment ? json : decodeValue(json, depth, decoding);
  try {
    return kind.decode(encoded, decoding.message);
  } catch (cause) {
    throw cause instanceof TautlineError ? cause : invalidValue(`${tag} holds no such value`, cause);
  }
}
