import { randomBytes } from "node:crypto";

const start = randomBytes(12).toString("base64url");
let count = 0;

/** Unlike any other, here or elsewhere. */
export function randomId(): string {
  return `${start}${(count++).toString(36)}`;
}
