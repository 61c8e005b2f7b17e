import type { ProcedureType } from "../contract.ts";
import type { TautlineError } from "../errors.ts";
import { type EventGap, OutgoingCall } from "../outgoing-call.ts";

/** What a caller heard of its call. */
export type CallEvent =
  | readonly ["started"]
  | readonly ["item", value: unknown, eventId?: string]
  | readonly ["result", value: unknown]
  | readonly ["error", shape: unknown]
  | readonly ["gap", gap?: EventGap]
  | readonly ["end"]
  | readonly ["failed", error: TautlineError];

/** A call that keeps what its caller hears, in order, so that a test can compare the whole of it. */
export class CallRecord extends OutgoingCall {
  readonly options = {};
  readonly events: CallEvent[] = [];
  /** The lengths of the items, for `OutgoingCalls.take`. */
  readonly lengths: number[] = [];
  /** Takes each item as it comes. Default: none is taken, so the other end stops where its credit does. */
  take: (length: number) => void = () => {};

  constructor(type: ProcedureType = "query", path: string = type.charAt(0), idempotent?: boolean) {
    super({ type, path, idempotent });
  }

  onStarted(): void {
    this.events.push(["started"]);
  }

  onItem(value: unknown, eventId: string | undefined, length: number): void {
    this.lengths.push(length);
    this.take(length);
    this.events.push(eventId === undefined ? ["item", value] : ["item", value, eventId]);
  }

  onResult(value: unknown): void {
    this.events.push(["result", value]);
  }

  onError(shape: unknown): void {
    this.events.push(["error", shape]);
  }

  onGap(gap?: EventGap): void {
    this.events.push(gap === undefined ? ["gap"] : ["gap", gap]);
  }

  onEnd(): void {
    this.events.push(["end"]);
  }

  onFailed(error: TautlineError): void {
    this.events.push(["failed", error]);
  }

  onStreamsOver(): void {}
}
