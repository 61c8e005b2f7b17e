import { type FieldCheck, isCount, isFields, isId, isSomething, isText } from "./field-checks.ts";
import * as messageType from "./message-type.ts";
import type { MessageTable, WelcomeFields } from "./protocol.ts";

const isWelcomeFields: FieldCheck = (field) => {
  if (!isFields(field)) return false;
  const { token = "", received = 0, windowMs = 0, store = "" } = field as WelcomeFields;
  return isText(token) && isText(store) && isCount(received) && isCount(windowMs);
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
