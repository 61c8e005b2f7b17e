import type { WrittenOutcome } from "./call-outcome.ts";

/** What stands under a mutation's subject. */
export interface MutationRecord {
  /** Who claimed it. */
  readonly claim: string;
  /** Where it runs. */
  readonly node: string;
  /** What it came to, once that is known. */
  readonly outcome?: WrittenOutcome;
  /** Nothing was run for it: it may be claimed again. */
  readonly takenBack?: true;
}

export interface FoundRecord extends MutationRecord {
  readonly sequence: number;
}

export function encodeRecord(record: MutationRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** @param data what a store has written. */
export function decodeRecord(data: Uint8Array): MutationRecord {
  return JSON.parse(Buffer.from(data).toString()) as MutationRecord;
}
