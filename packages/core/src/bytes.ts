import type { Schema } from "./schema.ts";

/** A schema of bytes. */
export interface BytesSchema extends Schema<Uint8Array, Uint8Array<ArrayBuffer>> {
  readonly bytes: true;
}

/**
 * Bytes, for a contract's inputs and outputs and for the items of its streams: a Uint8Array, which Node's Buffer is too. What arrives
 * is a plain one, whose memory nobody else writes to.
 */
export function bytes(): BytesSchema {
  return schema;
}

const schema: BytesSchema = {
  bytes: true,
  "~standard": {
    version: 1,
    vendor: "tautline",
    validate: (value) => (isBytes(value) ? { value } : { issues: [{ message: "expected bytes" }] }),
  },
};

/** Of any realm. What is there has no memory that others share but where its owner shares it. */
function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]";
}
