import { attachedTo, type CallOutcome } from "@tautline/core/internals";
import { nobodyKnows } from "./redis-error.ts";

/** Stands for an outcome that was not kept. */
export const unkept = "";

/** An outcome as text; `unkept` where it is longer than it may be, or holds what cannot be kept. */
export function encodeOutcome(outcome: CallOutcome, maxBytes: number): string {
  const value = outcome.ok ? outcome.value : outcome.shape;
  // A stream is read once.
  if ((attachedTo(value)?.streams?.length ?? 0) > 0) return unkept;
  const text = JSON.stringify(value === undefined ? [outcome.ok] : [outcome.ok, value]);
  return Buffer.byteLength(text) > maxBytes ? unkept : text;
}

/** @throws TautlineError `OUTCOME_UNKNOWN` where it was not kept. */
export function decodeOutcome(text: string): CallOutcome {
  if (text === unkept) throw nobodyKnows();
  const [ok, value] = JSON.parse(text) as [boolean, unknown];
  return ok ? { ok, value } : { ok, shape: value };
}
