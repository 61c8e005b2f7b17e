import { type AnyTRPCProcedure, TRPCError, type TRPCProcedureType } from "@trpc/server";
import { compileChain, type Link } from "./middleware-chain.ts";
import type { ProcedureCall } from "./procedure-call.ts";
import { compileCore } from "./procedure-core.ts";
import { readProcedureParts } from "./procedure-parts.ts";
import { hidesEventIds } from "./subscription-items.ts";
import { isThenable } from "./thenable.ts";
import { toTRPCError } from "./trpc-error.ts";

export type { ProcedureCall };

/** A procedure made ready to be called often. */
export interface CompiledProcedure {
  readonly type: TRPCProcedureType;
  /** Of a subscription: whether the caller sees the ids of tracked items, as tRPC's callers do. */
  readonly showsEventIds: boolean;
  /**
   * Calls the procedure. Returns the result, or a promise of it; synchronously when every part is synchronous.
   * Throws or rejects with a `TRPCError`, the one that tRPC would give. Does not read `call.signal` unless a handler
   * does, or the procedure is one that only tRPC can call.
   */
  call(call: ProcedureCall): unknown;
}

/**
 * Takes a procedure apart once, so that a call does not pay for tRPC's recursion: without middleware it is parse,
 * resolve, parse. A procedure that is not built as tRPC 11 builds them is called as it is. Either way it behaves as if
 * tRPC had called it; `compiled-procedure.differential.test.ts` holds the two to that.
 */
export function compileProcedure(procedure: AnyTRPCProcedure): CompiledProcedure {
  const parts = readProcedureParts(procedure);
  if (parts === undefined) return callAsIs(procedure);
  const hasMiddleware = parts.steps.some((step) => step.kind === "middleware");
  const call = hasMiddleware ? callChain(compileChain(parts)) : callCore(compileCore(parts));
  return { type: parts.type, showsEventIds: !hidesEventIds(procedure), call };
}

function callCore(core: (call: ProcedureCall) => unknown): CompiledProcedure["call"] {
  return (call) => {
    let result: unknown;
    try {
      result = core(call);
      if (!isThenable(result)) return result;
    } catch (cause) {
      throw toTRPCError(cause);
    }
    return settle(result);
  };
}

async function settle(pending: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await pending;
  } catch (cause) {
    throw toTRPCError(cause);
  }
}

function callChain(chain: Link): CompiledProcedure["call"] {
  return async (call) => {
    try {
      const outcome = await chain(call, call.ctx, undefined, undefined);
      if (!outcome) throw noOutcome();
      if (!outcome.ok) throw outcome.error;
      return await outcome.data;
    } catch (cause) {
      throw toTRPCError(cause);
    }
  };
}

/** A middleware that returns nothing gets the error that tRPC gives. */
function noOutcome(): TRPCError {
  return new TRPCError({
    code: "INTERNAL_SERVER_ERROR",
    message: "No result from middlewares - did you forget to `return next()`?",
  });
}

function callAsIs(procedure: AnyTRPCProcedure): CompiledProcedure {
  const { type } = procedure._def;
  return {
    type,
    showsEventIds: !hidesEventIds(procedure),
    call: async ({ ctx, input, path, signal, batchIndex }) => {
      try {
        const result: unknown = await procedure({
          ctx,
          getRawInput: async () => input,
          path,
          type,
          signal,
          batchIndex,
        });
        return result;
      } catch (cause) {
        throw toTRPCError(cause);
      }
    },
  };
}
