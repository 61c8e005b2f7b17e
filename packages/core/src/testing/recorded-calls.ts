import type { ProcedureType } from "../contract.ts";
import { TautlineError } from "../errors.ts";
import type { OutgoingCall } from "../outgoing-call.ts";
import type { OutgoingCalls } from "../outgoing-calls.ts";
import type { MessagePipe } from "../pipe.ts";
import { CallRecord } from "./call-record.ts";

export type Sent = readonly [type: number, id: number, ...unknown[]];

/** A pipe that keeps what goes in. */
export interface RecordedPipe extends MessagePipe {
  open: boolean;
  readonly sent: Sent[];
}

export function createPipe(): RecordedPipe {
  const sent: Sent[] = [];
  return {
    open: true,
    sent,
    send: (message) => sent.push(JSON.parse(message as string) as Sent),
    decode: () => [],
    drained: () => undefined,
  };
}

/** Why a pipe is gone. */
export const lost: TautlineError = new TautlineError({ code: "CONNECTION_CLOSED" });

export interface RecordedCalls {
  readonly query: CallRecord;
  readonly mutation: CallRecord;
  readonly subscription: CallRecord;
  readonly handles: Readonly<Record<ProcedureType, OutgoingCall>>;
}

/** One call of each type, recorded, and the handles by which they are cancelled. */
export function callEach(calls: OutgoingCalls): RecordedCalls {
  const [query, mutation, subscription] = [new CallRecord(), new CallRecord(), new CallRecord()];
  const handles = {
    query: calls.call("query", "q", 1, query),
    mutation: calls.call("mutation", "m", 2, mutation),
    subscription: calls.call("subscription", "s", 3, subscription),
  };
  return { query, mutation, subscription, handles };
}
