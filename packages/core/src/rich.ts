import { decodeBinaryFrame } from "./binary-frame.ts";
import { type BinaryCodec, binaryCodec, encodeInput } from "./codec.ts";
import { decodeRich } from "./rich-decoder.ts";
import { encodeRich, isMarked, needsEncoding } from "./rich-encoder.ts";
import type { RichKind } from "./rich-kind.ts";
import { builtInKinds, type RichKinds, withKind } from "./rich-kinds.ts";

/**
 * A transformer for tRPC (its `DataTransformer`) that carries rich values. Its functions may be taken off it; whoever wraps it spreads
 * it, `{ ...rich, serialize: … }`.
 */
export interface Rich {
  /**
   * A value in JSON's terms. One without rich values is returned as it is, not copied.
   *
   * @throws TautlineError `BAD_REQUEST` where the value is circular, nests over 61 levels (as written in JSON: a Map takes three, a
   * Set two) or is over a kind's limit. What the value's getters and `toJSON` throw is passed on.
   */
  readonly serialize: (value: unknown) => unknown;
  /**
   * The value that `serialize` was given, from its JSON. One without rich values is returned as it is, not copied.
   *
   * @throws TautlineError `BAD_REQUEST`, and no other, where the JSON is none that `serialize` makes.
   */
  readonly deserialize: (value: unknown) => unknown;
  /**
   * A transformer that knows one more kind, which is asked before the others; this one stays as it is. Both ends need it.
   *
   * @throws TypeError where the kind's name is taken or is not letters and digits.
   */
  readonly extend: <T>(kind: RichKind<T>) => Rich;
}

/** By this clients know that bytes can come. Not in `Rich`: what is spread could not be exported, for declarations cannot name a symbol. */
interface CarriesBytes {
  readonly [binaryCodec]: BinaryCodec;
}

/**
 * The transformer that keeps what JSON loses: Date, Map, Set, BigInt, undefined, NaN, ±Infinity, −0, URL, RegExp, Error, Uint8Array,
 * ArrayBuffer and all other typed arrays, nested anywhere. For `initTRPC.create({ transformer: rich })`, over WebSockets and over tRPC's own links alike.
 *
 * - A message with rich values is `{ "$rich": … }`, in it each of them an object with one key: `{ "$date": "2026-11-22T10:00:00.000Z" }`.
 * - A message without any is its plain JSON, and costs one look at its outermost object to decode.
 * - An Error arrives with its message alone, as a `TautlineError` where it has one of our codes (a `TRPCError`, say).
 * - Bytes travel as they are, in binary frames; over tRPC's own links as base64. A Buffer arrives as a Uint8Array. What arrives may be a
 *   view of a larger `buffer`: mind its `byteOffset`.
 * - Limits: bytes stand in 1,024 places of a message; a BigInt has 2,500 digits (with its sign), a URL 8,192 characters, all RegExps of a message together 1,000 and not the
 *   flag `v`. A RegExp that the other side made can take forever to run: do not run it on a server.
 * - Everything else is what JSON.stringify makes of it: `toJSON` is called, other class instances arrive as plain objects, functions
 *   and symbols are left out, what is referred to twice arrives twice. A hole in an array arrives as undefined, and a key
 *   `__proto__` does not arrive.
 */
export const rich: Rich = /* @__PURE__ */ createRich(builtInKinds);

function createRich(kinds: RichKinds): Rich & CarriesBytes {
  return {
    serialize(value) {
      // A message can leave out its value; then it arrives as undefined without a mark.
      if (value === undefined) return undefined;
      return isMarked(value) || needsEncoding(value, kinds, 0) ? encodeRich(value, kinds) : value;
    },
    deserialize: (value) => (isMarked(value) ? decodeRich(value, kinds) : value),
    extend: (kind) => createRich(withKind(kinds, kind)),
    [binaryCodec]: { encodeInput, decode: decodeBinaryFrame },
  };
}
