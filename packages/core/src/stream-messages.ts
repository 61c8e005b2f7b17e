import { type FieldCheck, isCount, isId, isText, isTextOrNothing } from "./field-checks.ts";
import * as messageType from "./message-type.ts";
import type { MessageTable } from "./protocol.ts";

const isTextOrBytes: FieldCheck = (field) => isText(field) || field instanceof Uint8Array;

const part: readonly FieldCheck[] = [isId, isCount, isId, isTextOrBytes];

/** What either end sends of its streams, and of large messages. */
export const streamMessages: MessageTable = {
  [messageType.upItem]: [isId, isId],
  [messageType.upEnd]: [isId, isId],
  [messageType.downStop]: [isId, isId, isTextOrNothing],
  [messageType.upPart]: part,
  [messageType.downItem]: [isId, isId],
  [messageType.downEnd]: [isId, isId],
  [messageType.upCredit]: [isId, isId, isId, isCount],
  [messageType.upStop]: [isId, isId, isTextOrNothing],
  [messageType.downPart]: part,
};
