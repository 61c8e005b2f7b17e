import type { WelcomeFields } from "@tautline/core/internals";

/** Remembers what mutations came to, for so long, in ms. */
export interface OutcomeStore {
  readonly name: string | undefined;
  /** Default for ever. */
  readonly keepMs?: number | undefined;
}

/** What a welcome says of its session: the token by which it is resumed, and within how many whole ms. Nothing where it is not kept. */
export function keptSession(token: string | undefined, windowMs: number): WelcomeFields {
  if (token === undefined) return {};
  return Number.isFinite(windowMs) ? { token, windowMs: Math.ceil(windowMs) } : { token };
}

/** What it says of the store of mutations: its name, and how many whole ms it remembers. */
export function keptOutcomes(store: OutcomeStore | undefined): WelcomeFields {
  if (store?.name === undefined) return {};
  const { name, keepMs = Number.POSITIVE_INFINITY } = store;
  return Number.isFinite(keepMs) ? { store: name, keepMs: Math.floor(keepMs) } : { store: name };
}
