import { attachedTo, type CallOutcome } from "@tautline/core/internals";
import { nobodyKnows } from "./broker-error.ts";

/** An outcome as it is written down. `unkept` stands for one that is longer than it may be, or holds what cannot be kept. */
export type WrittenOutcome = readonly [ok: boolean, value?: unknown] | "unkept";

export function writeOutcome(outcome: CallOutcome, maxBytes: number): WrittenOutcome {
  const value = outcome.ok ? outcome.value : outcome.shape;
  // Streams are read once.
  if ((attachedTo(value)?.streams?.length ?? 0) > 0) return "unkept";
  const written: WrittenOutcome = value === undefined ? [outcome.ok] : [outcome.ok, value];
  return Buffer.byteLength(JSON.stringify(written)) > maxBytes ? "unkept" : written;
}

/** @throws TautlineError `OUTCOME_UNKNOWN` where it was not kept. */
export function readOutcome(written: WrittenOutcome): CallOutcome {
  if (written === "unkept") throw nobodyKnows();
  const [ok, value] = written;
  return ok ? { ok, value } : { ok, shape: value };
}
