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
/** `[24, id, eventId, value?]`: an item that a later call can continue after; whoever reads it sees the id too. */
export type TrackedItemMessage = readonly [type: 24, id: number, eventId: string, value?: unknown];
/** `[26, id, eventId, value?]`: the same, but the id is kept from whoever reads the item. */
export type EventMessage = readonly [type: 26, id: number, eventId: string, value?: unknown];
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
  | EndMessage
  | EventMessage;
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

export function isCalleeMessage(message: PeerMessage): message is CalleeMessage {
  return message[0] >= messageType.result;
}

/** What the fields after each message type must be, a letter each; see `fits`. What comes after them is not looked at here. */
const messageFields: Readonly<Record<number, string>> = {
  [messageType.hello]: "nf",
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
  [messageType.event]: "is",
};

/** i: an id. n: a whole number. s: a string. o: a string or nothing. f: named fields. c: a call's. x: anything but nothing. */
function fits(letter: string | undefined, field: unknown): boolean {
  switch (letter) {
    case "i":
      return Number.isSafeInteger(field) && (field as number) > 0;
    case "n":
      return Number.isSafeInteger(field);
    case "s":
      return typeof field === "string";
    case "o":
      return field === undefined || fits("s", field);
    case "f":
      return typeof field === "object" && field !== null && !Array.isArray(field);
    case "c":
      return fits("f", field) && fits("o", (field as CallFields).lastEventId);
    default:
      return field !== undefined;
  }
}

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
    if (!fits(fields[index], value[index + 1])) throw badMessage(`field ${index + 1} of message ${type}`);
  }
  // The table has just held the fields to the type's shape.
  return value as unknown as Message;
}

export function badMessage(message: string, cause?: unknown): TautlineError {
  return new TautlineError({ code: "BAD_MESSAGE", message, cause });
}
