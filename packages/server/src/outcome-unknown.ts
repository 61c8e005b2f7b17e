import { TautlineError } from "@tautline/core";

/** A mutation may have run, and nobody knows what it came to. */
export function outcomeUnknown(cause?: unknown): TautlineError {
  return new TautlineError({
    code: "OUTCOME_UNKNOWN",
    message: "sent before, and nobody knows what it came to",
    cause,
  });
}

export function asOutcomeUnknown(thrown: unknown): TautlineError {
  return thrown instanceof TautlineError && thrown.code === "OUTCOME_UNKNOWN" ? thrown : outcomeUnknown(thrown);
}
