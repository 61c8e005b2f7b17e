import { getTRPCErrorFromUnknown, TRPCError } from "@trpc/server";

/**
 * Turns anything thrown into a `TRPCError`, as tRPC does: a `TRPCError` stays itself, anything else becomes an
 * `INTERNAL_SERVER_ERROR` with it as the cause. Unlike tRPC's function it never throws, whatever getters or traps the
 * thrown value has.
 */
export function toTRPCError(thrown: unknown): TRPCError {
  try {
    return getTRPCErrorFromUnknown(thrown);
  } catch (secondThrown) {
    return fromHostile(secondThrown);
  }
}

/** tRPC's middleware recursion wraps what reading the first error threw, one level further out; so does this. */
function fromHostile(thrown: unknown): TRPCError {
  try {
    return getTRPCErrorFromUnknown(thrown);
  } catch {
    return new TRPCError({ code: "INTERNAL_SERVER_ERROR" });
  }
}
