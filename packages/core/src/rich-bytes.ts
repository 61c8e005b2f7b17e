import { Attachment } from "./attachments.ts";
import { fromBase64 } from "./base64.ts";
import type { BuiltInKind } from "./rich-kind.ts";
import { invalidValue } from "./rich-message.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Every other kind of binary value holds one of these. A Buffer is one, and arrives as a plain Uint8Array. */
const bytesKind: BuiltInKind<Uint8Array> = {
  name: "bytes",
  encode: (bytes, message) => message.attach(bytes),
  decode(json, message) {
    if (typeof json === "number") return message.take(json);
    // It was never written as JSON.
    if (json instanceof Attachment) return new Uint8Array(json.bytes);
    const bytes = typeof json === "string" ? fromBase64(json) : undefined;
    if (bytes === undefined) throw invalidValue("$bytes holds the number of an attachment, or base64");
    return bytes;
  },
};

const arrayBufferKind: BuiltInKind<ArrayBuffer> = {
  name: "arraybuffer",
  encode: (buffer) => new Uint8Array(buffer),
  decode(json) {
    const bytes = bytesOf(json, 1);
    return bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  },
};

/** A class of views on memory. */
interface ViewClass {
  readonly name: string;
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): ArrayBufferView;
}

const viewClasses: readonly ViewClass[] = [
  Int8Array,
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

/** Elements go as they lie in memory, which is little-endian on every machine that JavaScript is known to run on but s390x. */
function viewKind(View: ViewClass): BuiltInKind<ArrayBufferView> {
  const elementBytes = View.BYTES_PER_ELEMENT ?? 1;
  return {
    name: View.name.toLowerCase(),
    encode: ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    decode(json) {
      const { buffer, byteOffset, byteLength } = bytesOf(json, elementBytes);
      return new View(buffer, byteOffset, byteLength / elementBytes);
    },
  };
}

/** Decoded bytes that a view of such elements can lie on: copied where they do not stand where it must begin. */
function bytesOf(decoded: unknown, elementBytes: number): Bytes {
  if (!(decoded instanceof Uint8Array)) throw invalidValue("$bytes were expected");
  if (decoded.length % elementBytes !== 0) throw invalidValue(`not a multiple of ${elementBytes} bytes`);
  // Whatever decoded them made them itself: no memory is shared.
  const bytes = decoded as Bytes;
  return bytes.byteOffset % elementBytes === 0 ? bytes : bytes.slice();
}

/** By the name that the language itself gives a value, whatever subclass it is of and whichever realm it is from. */
const kindsByClass: ReadonlyMap<string, BuiltInKind<unknown>> = new Map<string, BuiltInKind<unknown>>([
  ["Uint8Array", bytesKind],
  ["ArrayBuffer", arrayBufferKind],
  ...viewClasses.map((View) => [View.name, viewKind(View)] as const),
]);

export const bytesKinds: readonly BuiltInKind<unknown>[] = [...kindsByClass.values()];

/** The kind of a binary value, undefined where it is none. */
export function bytesKindOf(value: object): BuiltInKind<unknown> | undefined {
  if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) return undefined;
  return kindsByClass.get((value as { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag]);
}
