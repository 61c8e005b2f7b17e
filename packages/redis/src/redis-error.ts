import { TautlineError } from "@tautline/core";

/** The code that Redis began its answer with (`OOM`, `READONLY`); undefined where the error is none of its answers. */
export function replyCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || thrown.name !== "ReplyError") return undefined;
  return /^[A-Z]+/.exec(thrown.message)?.[0];
}

/** With these Redis has refused a command before it did anything. */
const refusals: ReadonlySet<string | undefined> = new Set([
  "BUSY",
  "CLUSTERDOWN",
  "CROSSSLOT",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  // Our own scripts', see `historyScript`.
  "MISPLACED",
  "MOVED",
  "NOAUTH",
  "NOREPLICAS",
  "NOSCRIPT",
  "OOM",
  "READONLY",
  "TRYAGAIN",
]);

/** Whether a command that failed so has certainly changed nothing. */
export function isRefusal(thrown: unknown): boolean {
  return refusals.has(replyCode(thrown));
}

/** Whether a server that answers so is none to talk to, or not any more. */
export function isMisplaced(thrown: unknown): boolean {
  const code = replyCode(thrown);
  return code === "READONLY" || code === "MASTERDOWN" || code === "LOADING" || code === "MISPLACED";
}

/** Whether a command was not sent, or to such a server: it may be sent again, elsewhere or later. */
export function isAway(thrown: unknown): boolean {
  return isMisplaced(thrown) || (thrown instanceof TautlineError && thrown.code === "SERVICE_UNAVAILABLE");
}

/** @param cause what has happened, where something has. */
export function unavailable(cause?: unknown): TautlineError {
  const message = replyCode(cause) === undefined ? "Redis is away" : "Redis has refused a command";
  return new TautlineError({ code: "SERVICE_UNAVAILABLE", message, cause });
}

/** Of a mutation that may have been run. */
export function nobodyKnows(): TautlineError {
  return new TautlineError({ code: "OUTCOME_UNKNOWN", message: "nobody knows what it came to" });
}

/** Of an event that may have been stored. */
export function outcomeUnknown(cause?: unknown): TautlineError {
  return new TautlineError({ code: "OUTCOME_UNKNOWN", message: "Redis may have stored it, or not", cause });
}
