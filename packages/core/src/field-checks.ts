/** Whether a field is what it has to be. */
export type FieldCheck = (field: unknown) => boolean;

/** An id, or another number from 1. */
export const isId = (field: unknown): field is number => Number.isSafeInteger(field) && (field as number) > 0;
export const isCount = (field: unknown): field is number => field === 0 || isId(field);
export const isCountOrNothing: FieldCheck = (field) => field === undefined || isCount(field);
export const isText: FieldCheck = (field) => typeof field === "string";
export const isTextOrNothing: FieldCheck = (field) => field === undefined || isText(field);
export const isSomething: FieldCheck = (field) => field !== undefined;
export const isFields: FieldCheck = (field) => Object(field) === field && !Array.isArray(field);
