import type { ProcedureType } from "./contract.ts";
import { TautlineError } from "./errors.ts";
import * as messageType from "./message-type.ts";

/** The WebSocket subprotocol of version 1 (RFC 6455, section 1.9). */
export const subprotocol = "tautline.v1";

/** The version that `hello` names. */
export const protocolVersion = 1;

/** `hello`'s fields: `params` are the client's connectionParams. */
export interface HelloFields {
  readonly params?: unknown;
}

/** A call's fields: `lastEventId` is the last tracked event that the caller has seen. */
export interface CallFields {
  readonly lastEventId?: string;
}

/** `[0, version, fields]`: the first message of a connection, client to server. */
export type HelloMessage = readonly [type: 0, version: number, fields: HelloFields];
/** `[1, fields]`: the server's answer, once the context stands. */
export type WelcomeMessage = readonly [type: 1, fields: Readonly<Record<string, unknown>>];
/** `[2, shape]`: the server's refusal, with the error's shape; the connection is closed next. */
export type RefusedMessage = readonly [type: 2, shape: unknown];
/** `[10 | 11 | 12, id, path, fields, input?]`: a call. Where the input is left out, it is undefined. */
export type CallMessage = readonly [type: 10 | 11 | 12, id: number, path: string, fields: CallFields, input?: unknown];
/** `[13, id, code?]`: the caller is no longer interested; `code` says why (`TIMEOUT`). */
export type CancelMessage = readonly [type: 13, id: number, code?: string];
/** `[20, id, value?]`: the answer to a query or mutation. */
export type ResultMessage = readonly [type: 20, id: number, value?: unknown];
/** `[21, id, shape]`: the call failed; also ends a subscription. */
export type ErrorMessage = readonly [type: 21, id: number, shape: unknown];
/** `[22, id]`: the subscription stands. */
export type StartedMessage = readonly [type: 22, id: number];
/** `[23, id, value?]`: an item of a subscription. */
export type ItemMessage = readonly [type: 23, id: number, value?: unknown];
/** `[24, id, eventId, value?]`: an item that a later call can continue after. */
export type TrackedItemMessage = readonly [type: 24, id: number, eventId: string, value?: unknown];
/** `[25, id]`: the subscription has no more items. */
export type EndMessage = readonly [type: 25, id: number];

/** What manages the connection itself. */
export type ControlMessage = HelloMessage | WelcomeMessage | RefusedMessage;
/** What a callee receives. */
export type CallerMessage = CallMessage | CancelMessage;
/** What a caller receives. */
export type CalleeMessage =
  | ResultMessage
  | ErrorMessage
  | StartedMessage
  | ItemMessage
  | TrackedItemMessage
  | EndMessage;
/** What peers say to each other. */
export type PeerMessage = CallerMessage | CalleeMessage;
export type Message = ControlMessage | PeerMessage;

/** The message type by which a procedure of each type is called. */
export const callType: Readonly<Record<ProcedureType, 10 | 11 | 12>> = { query: 10, mutation: 11, subscription: 12 };

const types: readonly ProcedureType[] = ["query", "mutation", "subscription"];

/** The type of procedure that a call message calls. */
export function procedureType(call: 10 | 11 | 12): ProcedureType {
  return types[call - 10] ?? "query";
}

export function isPeerMessage(message: Message): message is PeerMessage {
  return message[0] >= messageType.query;
}

/** What a field may be, by the letter that the table below names it with. */
const fieldChecks: Readonly<Record<string, (field: unknown) => boolean>> = {
  /** A call's id. */
  i: (field) => Number.isSafeInteger(field) && (field as number) > 0,
  /** A version. */
  v: (field) => Number.isSafeInteger(field),
  /** A string. */
  s: (field) => typeof field === "string",
  /** A string, or nothing. */
  o: (field) => field === undefined || typeof field === "string",
  /** Named fields. */
  f: isFields,
  /** A call's named fields. */
  c: (field) => isFields(field) && fieldChecks["o"]?.(field["lastEventId"]) === true,
  /** Anything, but something. */
  x: (field) => field !== undefined,
};

/** What the fields after each message type must be. What comes after them is not looked at here. */
const messageFields: Readonly<Record<number, string>> = {
  [messageType.hello]: "vf",
  [messageType.welcome]: "f",
  [messageType.refused]: "x",
  [messageType.query]: "isc",
  [messageType.mutation]: "isc",
  [messageType.subscription]: "isc",
  [messageType.cancel]: "io",
  [messageType.result]: "i",
  [messageType.error]: "ix",
  [messageType.started]: "i",
  [messageType.item]: "i",
  [messageType.trackedItem]: "is",
  [messageType.end]: "i",
};

/**
 * Reads one message out of parsed JSON; undefined for an extension's, which is to be ignored.
 *
 * @throws TautlineError `BAD_MESSAGE` where the type is unknown, or a field is missing or of the wrong kind. Fields beyond those
 * that version 1 knows are ignored.
 */
export function readMessage(value: unknown): Message | undefined {
  const type: unknown = Array.isArray(value) ? value[0] : undefined;
  if (!Array.isArray(value) || typeof type !== "number") throw badMessage("no message");
  const fields = messageFields[type];
  if (fields === undefined) {
    if (Number.isSafeInteger(type) && type >= messageType.firstExtension) return undefined;
    throw badMessage(`message type ${type}`);
  }
  for (let index = 0; index < fields.length; index++) {
    if (fieldChecks[fields[index] ?? ""]?.(value[index + 1]) !== true) {
      throw badMessage(`field ${index + 1} of message ${type}`);
    }
  }
  // The table has just held the fields to the type's shape.
  return value as unknown as Message;
}

function isFields(field: unknown): field is Readonly<Record<string, unknown>> {
  return typeof field === "object" && field !== null && !Array.isArray(field);
}

export function badMessage(message: string, cause?: unknown): TautlineError {
  return new TautlineError({ code: "BAD_MESSAGE", message, cause });
}
