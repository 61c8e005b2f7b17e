import { TautlineError } from "@tautline/core";

export function away(cause?: unknown): TautlineError {
  return new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "NATS is away", cause });
}

export function outcomeUnknown(cause?: unknown): TautlineError {
  return new TautlineError({ code: "OUTCOME_UNKNOWN", message: "NATS went away meanwhile", cause });
}

/** Of a mutation that may have been run. */
export function nobodyKnows(cause?: unknown): TautlineError {
  return new TautlineError({ code: "OUTCOME_UNKNOWN", message: "nobody knows what it came to", cause });
}

export function brokerClosed(): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message: "the broker is closed" });
}

/** A stream that something was asked of is no longer there: another may have its place. */
export class StreamLost extends Error {
  override readonly name = "StreamLost";
  readonly stream: string;

  constructor(stream: string) {
    super(`there is no stream ${stream}`);
    this.stream = stream;
  }
}
