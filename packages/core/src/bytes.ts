import type { Schema } from "./schema.ts";

export interface BytesOptions {
  /** How many there may be. Default: as many as a message takes. */
  readonly maxBytes?: number;
}

/** A schema of bytes. */
export interface BytesSchema extends Schema<Uint8Array, Uint8Array<ArrayBuffer>> {
  readonly bytes: true;
}

/**
 * Bytes, for a contract's inputs and outputs and for the items of its streams: a Uint8Array, which Node's Buffer is too. What arrives
 * is a plain one, whose memory nobody else writes to; only one on shared memory is copied. The transformer has to carry bytes: `rich`
 * does.
 */
export function bytes({ maxBytes = Number.POSITIVE_INFINITY }: BytesOptions = {}): BytesSchema {
  return {
    bytes: true,
    "~standard": {
      version: 1,
      vendor: "tautline",
      validate(value) {
        if (!isBytes(value)) return { issues: [{ message: "Expected bytes: a Uint8Array" }] };
        if (value.length > maxBytes) return { issues: [{ message: `At most ${maxBytes} bytes, not ${value.length}` }] };
        return { value: isOwn(value) ? value : value.slice() };
      },
    },
  };
}

/** By the name that the language itself gives it: it may be of a subclass, or from another realm. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === "Uint8Array";
}

function isOwn(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return !(bytes.buffer as { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag].startsWith("Shared");
}
