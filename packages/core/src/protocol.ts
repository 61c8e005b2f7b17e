import type { ProcedureType } from "./contract.ts";
import { TautlineError } from "./errors.ts";
import { type FieldCheck, isCount } from "./field-checks.ts";
import * as messageType from "./message-type.ts";

/** The WebSocket subprotocol of version 1 (RFC 6455, section 1.9). */
export const subprotocol = "tautline.v1";

/** The version that `hello` names. */
export const protocolVersion = 1;

/** `hello`'s fields: `params` are the client's connectionParams. */
export interface HelloFields {
  readonly params?: unknown;
  /** Names the session: chosen by the client for a new one, given by the server for one to be resumed. */
  readonly token?: string | undefined;
  /** Names the client for as long as it lives, so that a mutation that it sends again is known. */
  readonly client?: string | undefined;
  /** How many of the server's messages the client has; there where a session is to be resumed. */
  readonly received?: number | undefined;
  /** Whether the client takes streams, and large messages in parts. */
  readonly streams?: boolean | undefined;
  /** Whether the client serves procedures, so that the server may call them. */
  readonly serves?: boolean | undefined;
  /** Grows with each connection of a session: one whose hello comes after a newer one's must not take the session from it. */
  readonly attempt?: number | undefined;
}

/** `welcome`'s fields. */
export interface WelcomeFields {
  /** By which the session can be resumed next time; left out where it cannot. */
  readonly token?: string;
  /** How many of the client's messages the server has; there where the session was resumed. */
  readonly received?: number;
  /** How long the server keeps the session without a connection, in ms. */
  readonly windowMs?: number;
  /** Names the store that remembers the session's mutations; left out where there is none. */
  readonly store?: string | undefined;
}

/** A call's fields. */
export interface CallFields {
  /** The last tracked event that the caller has seen. */
  readonly lastEventId?: string | undefined;
  /** The id under which the call was sent first, where it is sent again. */
  readonly firstId?: number | undefined;
  /** The store of the session in which it was sent then. */
  readonly store?: string | undefined;
  /** How long before this message was written it was sent first, in ms. */
  readonly ageMs?: number | undefined;
}

/** `[0, version, fields]`: the first message of a connection, client to server. */
export type HelloMessage = readonly [type: 0, version: number, fields: HelloFields];
/** `[1, fields]`: the server's answer, once the context stands. */
export type WelcomeMessage = readonly [type: 1, fields: WelcomeFields];
/** `[2, shape]`: the server's refusal, with the error's shape; the connection is closed next. */
export type RefusedMessage = readonly [type: 2, shape: unknown];
/** `[3, received]`: asks for a sign of life. */
export type PingMessage = readonly [type: 3, received: number];
/** `[4, received]`: the answer to a ping. */
export type PongMessage = readonly [type: 4, received: number];
/** `[5, received]`: so many of the other side's messages have come, and need not be kept. */
export type AckMessage = readonly [type: 5, received: number];
/** `[6, withinMs]`: the server is going away: clients should have another connection within that time. */
export type GoawayMessage = readonly [type: 6, withinMs: number];
/** `[7, params]`: new connectionParams for the session that goes on. */
export type AuthMessage = readonly [type: 7, params: unknown];
/** `[8, shape?]`: whether they were taken; with an error's shape, they were not. */
export type AuthenticatedMessage = readonly [type: 8, shape?: unknown];
/** `[10 | 11 | 12, id, path, fields, input?]`: a call. Where the input is left out, it is undefined. */
export type CallMessage = readonly [type: 10 | 11 | 12, id: number, path: string, fields: CallFields, input?: unknown];
/** `[13, id, code?]`: the caller is no longer interested; `code` says why (`TIMEOUT`). */
export type CancelMessage = readonly [type: 13, id: number, code?: string];
/**
 * What is said of a call's stream, counted from 1 in each direction: an item of it, its end (with an error's shape where it failed), how
 * much of it may be sent in all and how much was taken, and that nobody takes more. In messages from the caller the first two are of streams that go up, from
 * caller to callee, the others of streams that go down.
 */
export type CallerStreamMessage =
  | readonly [type: 14, id: number, stream: number, value?: unknown]
  | readonly [type: 15, id: number, stream: number, shape?: unknown]
  | readonly [type: 16, id: number, stream: number, bytes: number, taken?: number]
  | readonly [type: 17, id: number, stream: number, code?: string];
/** The same from the callee: items and ends of what goes down, credit and stops of what goes up. */
export type CalleeStreamMessage =
  | readonly [type: 28, id: number, stream: number, value?: unknown]
  | readonly [type: 29, id: number, stream: number, shape?: unknown]
  | readonly [type: 30, id: number, stream: number, bytes: number, taken: number]
  | readonly [type: 31, id: number, stream: number, code?: string];
export type StreamMessage = CallerStreamMessage | CalleeStreamMessage;
/**
 * `[18 | 32, id, stream, length, part]`: a part of a large message of a call, or of its stream; stream 0 is the call itself. `length` is
 * that of all parts together. A part is text, or bytes where the message is binary.
 */
export type CallerPartMessage = readonly [
  type: 18,
  id: number,
  stream: number,
  length: number,
  part: string | Uint8Array,
];
export type CalleePartMessage = readonly [
  type: 32,
  id: number,
  stream: number,
  length: number,
  part: string | Uint8Array,
];
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

/** `[27, id]`: the call was not started, and will not be here. */
export type DeclinedMessage = readonly [type: 27, id: number];

/** `[33, id, from, to]`: events after `from` and up to `to` may be missing from the subscription; what comes next is after `to`. */
export type GapMessage = readonly [type: 33, id: number, from: string, to: string];

/**
 * `[34, id, channel, shown?]`: from here on the events of a channel are items of the call too; of channel 0: no longer. `shown` says
 * whether whoever reads them sees their ids.
 */
export type ChannelMessage = readonly [type: 34, id: number, channel: number, shown?: boolean];
/** `[35, channel, eventId, value?]`: an event for every call that is on the channel. */
export type ChannelEventMessage = readonly [type: 35, channel: number, eventId: string, value?: unknown];

/** What manages the connection itself. */
export type ControlMessage =
  | HelloMessage
  | WelcomeMessage
  | RefusedMessage
  | GoawayMessage
  | AuthMessage
  | AuthenticatedMessage;
/** What sessions say to each other about what has come. */
export type ProgressMessage = PingMessage | PongMessage | AckMessage;
/** What a callee receives. */
export type CallerMessage = CallMessage | CancelMessage | CallerStreamMessage | CallerPartMessage;
/** What a caller receives. */
export type CalleeMessage =
  | ResultMessage
  | ErrorMessage
  | StartedMessage
  | ItemMessage
  | TrackedItemMessage
  | EndMessage
  | EventMessage
  | DeclinedMessage
  | GapMessage
  | ChannelMessage
  | ChannelEventMessage
  | CalleeStreamMessage
  | CalleePartMessage;
/** What peers say to each other. */
export type PeerMessage = CallerMessage | CalleeMessage;
/** What a session takes. */
export type SessionMessage = ProgressMessage | PeerMessage;
export type Message = ControlMessage | SessionMessage;

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

/** Whether a message is the session's affair, not the connection's. */
export function isSessionMessage(message: Message): message is SessionMessage {
  return message[0] >= messageType.query || (message[0] >= messageType.ping && message[0] <= messageType.ack);
}

export function isCalleeMessage(message: PeerMessage): message is CalleeMessage {
  return message[0] >= messageType.result;
}

/** Whether a message is an item of a subscription, or of several. */
export function isItemMessage({ 0: type }: CalleeMessage): boolean {
  return (
    type === messageType.item ||
    type === messageType.trackedItem ||
    type === messageType.event ||
    type === messageType.channelEvent
  );
}

/**
 * The messages that an end takes, by their types, each with what the fields after its type must be. What comes after those is not
 * looked at. An end carries the checks of what it takes, and no others.
 */
export type MessageTable = Readonly<Record<number, readonly FieldCheck[]>>;

/**
 * Reads one message out of parsed JSON; undefined for an extension's, which is to be ignored.
 *
 * @param table what is taken.
 * @throws TautlineError `BAD_MESSAGE` where the type is not in the table, or a field is missing or of the wrong kind. Fields beyond
 * those that version 1 knows are ignored.
 */
export function readMessage(value: unknown, table: MessageTable): Message | undefined {
  const message: readonly unknown[] = Array.isArray(value) ? value : [];
  const type = message[0];
  if (!isCount(type)) throw badMessage("no message");
  const checks = table[type];
  if (checks === undefined) {
    if (type >= messageType.firstExtension) return undefined;
    throw badMessage(`message type ${type}`);
  }
  for (let index = 0; index < checks.length; index++) {
    if (!checks[index]?.(message[index + 1])) throw badMessage(`field ${index + 1} of message ${type}`);
  }
  // The table has just held the fields to the type's shape.
  return message as unknown as Message;
}

export function badMessage(message: string, cause?: unknown): TautlineError {
  return new TautlineError({ code: "BAD_MESSAGE", message, cause });
}
