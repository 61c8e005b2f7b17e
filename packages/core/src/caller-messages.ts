import { type FieldCheck, isCount, isCountOrNothing, isFields, isId, isText, isTextOrNothing } from "./field-checks.ts";
import * as messageType from "./message-type.ts";
import type { CallFields, MessageTable } from "./protocol.ts";

const isCallFields: FieldCheck = (field) => {
  if (!isFields(field)) return false;
  const { lastEventId, firstId = 1, store, ageMs = 0 } = field as CallFields;
  return isTextOrNothing(lastEventId) && isId(firstId) && isTextOrNothing(store) && isCount(ageMs);
};

const call: readonly FieldCheck[] = [isId, isText, isCallFields];

/** What a caller sends, but for its streams. */
export const callerMessages: MessageTable = {
  [messageType.query]: call,
  [messageType.mutation]: call,
  [messageType.subscription]: call,
  [messageType.cancel]: [isId, isTextOrNothing],
  [messageType.downCredit]: [isId, isCount, isId, isCountOrNothing],
};
