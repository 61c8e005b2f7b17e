import * as messageType from "./message-type.ts";
import type { FieldCheck, MessageTable, WelcomeFields } from "./protocol.ts";

/** An id, or another number from 1. */
export const isId: FieldCheck = (field) => Number.isSafeInteger(field) && (field as number) > 0;
export const isCount: FieldCheck = (field) => field === 0 || isId(field);
export const isText: FieldCheck = (field) => typeof field === "string";
export const isTextOrNothing: FieldCheck = (field) => field === undefined || isText(field);
export const isSomething: FieldCheck = (field) => field !== undefined;
export const isFields: FieldCheck = (field) => typeof field === "object" && field !== null && !Array.isArray(field);

const isWelcomeFields: FieldCheck = (field) => {
  if (!isFields(field)) return false;
  const { token, received = 0, windowMs = 0, store } = field as WelcomeFields;
  return isTextOrNothing(token) && isTextOrNothing(store) && isCount(received) && isCount(windowMs);
};

/** What a server sends of itself, and as a callee. */
export const serverMessages: MessageTable = {
  [messageType.welcome]: [isWelcomeFields],
  [messageType.refused]: [isSomething],
  [messageType.ping]: [isCount],
  [messageType.pong]: [isCount],
  [messageType.ack]: [isCount],
  [messageType.goaway]: [isCount],
  [messageType.authenticated]: [],
  [messageType.result]: [isId],
  [messageType.error]: [isId, isSomething],
  [messageType.started]: [isId],
  [messageType.item]: [isId],
  [messageType.trackedItem]: [isId, isText],
  [messageType.end]: [isId],
  [messageType.event]: [isId, isText],
  [messageType.declined]: [isId],
  [messageType.gap]: [isId, isText, isText],
  [messageType.channel]: [isId, isCount],
  [messageType.channelEvent]: [isId, isText],
};
