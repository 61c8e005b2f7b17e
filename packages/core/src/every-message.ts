import { callerMessages } from "./caller-messages.ts";
import { type FieldCheck, isCount, isFields, isSomething, isTextOrNothing } from "./field-checks.ts";
import * as messageType from "./message-type.ts";
import type { HelloFields, MessageTable } from "./protocol.ts";
import { serverMessages } from "./server-messages.ts";
import { streamMessages } from "./stream-messages.ts";

const isHelloFields: FieldCheck = (field) => {
  if (!isFields(field)) return false;
  const { token, received = 0, attempt = 0, client, streams = false, serves = false } = field as HelloFields;
  if (typeof streams !== "boolean" || typeof serves !== "boolean") return false;
  return isTextOrNothing(token) && isTextOrNothing(client) && isCount(received) && isCount(attempt);
};

/** Every message of version 1. */
export const everyMessage: MessageTable = {
  ...serverMessages,
  ...callerMessages,
  ...streamMessages,
  [messageType.hello]: [Number.isSafeInteger, isHelloFields],
  [messageType.auth]: [isSomething],
};
