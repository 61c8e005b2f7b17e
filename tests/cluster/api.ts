import { contract, mutation, subscription } from "@tautline/core";
import { z } from "zod";

/** An event is named after the mutation that publishes it. */
export const Event = z.object({ event: z.string() });

/** Keys that begin with "short" are of a topic that keeps few events, all others of one that keeps enough. */
const Key = z.string();

export const shortHistory = 10;

export function isShort(key: string): boolean {
  return key.startsWith("short");
}

export const api = contract({
  /** One that is idempotent may be run again; its event is published once. */
  publish: mutation({ input: Event.extend({ key: Key, idempotent: z.boolean() }), output: z.string() }),
  /** All keys of one topic. */
  follow: subscription({
    input: z.object({ keys: z.array(Key).min(1) }),
    output: Event.extend({ key: Key }),
    tracked: true,
  }),
});
