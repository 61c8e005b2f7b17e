// What every peer serves, and what its clients send: the same work behind each protocol.
import { z } from "zod";

/** The input of `add`, for the peers that validate. */
export const AddInput: z.ZodObject<{ a: z.ZodNumber; b: z.ZodNumber }> = z.object({ a: z.number(), b: z.number() });

/** The input of `stream`: how many items. */
export const StreamInput: z.ZodObject<{ count: z.ZodNumber }> = z.object({ count: z.number() });

export function add({ a, b }: { readonly a: number; readonly b: number }): number {
  return a + b;
}

/** The numbers from 0 to `count`, that excluded. */
export async function* streamItems(count: number): AsyncGenerator<number, void> {
  for (let item = 0; item < count; item++) yield item;
}

/** What `echoBytes` is called with: 64 kB that no compression would shrink. */
export function createBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 64 * 1024 }, (_, index) => (index * 2_654_435_761) >>> 24);
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  readonly score: number;
  readonly tags: readonly string[];
  readonly note: string;
}

/** What `echo` is called with. */
export interface Payload {
  readonly total: number;
  readonly rows: readonly Row[];
}

/** A table of 68 rows, as JSON about 10 kB. */
export function createPayload(): Payload {
  const rows = Array.from({ length: 68 }, (_, id) => ({
    id,
    name: `user number ${id}`,
    email: `user${id}@example.test`,
    active: id % 2 === 0,
    score: id * 1.25,
    tags: ["alpha", "beta", "gamma"],
    note: "some words of a usual length",
  }));
  return { total: rows.length, rows };
}
