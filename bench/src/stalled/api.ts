import { bytes, contract, mutation, stream, subscription } from "@tautline/core";
import { z } from "zod";

/** What readers stop reading: 10 kB at a time. */
export const stalledApi = contract({
  /** Numbered items; without `to` they do not end. */
  items: subscription({
    input: z.object({ to: z.number().optional() }),
    output: z.object({ n: z.number(), text: z.string() }),
  }),
  /** Returns how many chunks the handler has taken. */
  upload: mutation({ input: stream(bytes()), output: z.number() }),
});

export const itemBytes = 10_000;

/** Chunks with their numbers in the first four bytes. */
export async function* createChunks(
  onChunk: (n: number) => void,
  to = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < to; n++) {
    const chunk = new Uint8Array(itemBytes);
    new DataView(chunk.buffer).setUint32(0, n);
    onChunk(n);
    yield chunk;
  }
}

export function chunkNumber(chunk: Uint8Array): number {
  return new DataView(chunk.buffer, chunk.byteOffset).getUint32(0);
}
