import type { FieldCheck } from "./protocol.ts";

/** An id, or another number from 1. */
export const isId: FieldCheck = (field) => Number.isSafeInteger(field) && (field as number) > 0;
export const isCount: FieldCheck = (field) => field === 0 || isId(field);
export const isText: FieldCheck = (field) => typeof field === "string";
export const isTextOrNothing: FieldCheck = (field) => field === undefined || isText(field);
export const isSomething: FieldCheck = (field) => field !== undefined;
export const isFields: FieldCheck = (field) => typeof field === "object" && field !== null && !Array.isArray(field);
