import type { ProcedureType } from "../contract.ts";
import { TautlineError } from "../errors.ts";
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

/** One call of each type, made. */
export function callEach(calls: OutgoingCalls): Readonly<Record<ProcedureType, CallRecord>> {
  const made = {
    query: new CallRecord("query"),
    mutation: new CallRecord("mutation"),
    subscription: new CallRecord("subscription"),
  };
  calls.call(made.query, 1);
  calls.call(made.mutation, 2);
  calls.call(made.subscription, 3);
  return made;
}

/** A call that is made, of `"q"` or the like without an input where nothing else is said. */
export function makeCall(calls: OutgoingCalls, type?: ProcedureType, path?: string, input?: unknown): CallRecord {
  const call = new CallRecord(type, path);
  calls.call(call, input);
  return call;
}
