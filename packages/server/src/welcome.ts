import type { WelcomeFields } from "@tautline/core/internals";

/** What a welcome says of its session: the token by which it is resumed, and within how many whole ms. Nothing where it is not kept. */
export function keptSession(token: string | undefined, windowMs: number): WelcomeFields {
  if (token === undefined) return {};
  return Number.isFinite(windowMs) ? { token, windowMs: Math.ceil(windowMs) } : { token };
}
