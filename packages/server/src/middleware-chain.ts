import { getTRPCErrorFromUnknown } from "@trpc/server";
import { middlewareMarker } from "@trpc/server/unstable-core-do-not-import";
import {
  canReadSignal,
  type Failure,
  type GetRawInput,
  MiddlewareOptions,
  type Next,
  type Outcome,
} from "./handler-options.ts";
import type { ProcedureCall } from "./procedure-call.ts";
import { compileResolver, mergeInput, parseInput, parseOutput, type Resolve } from "./procedure-core.ts";
import type { Handler, Parse, ProcedureParts, ProcedureStep } from "./procedure-parts.ts";

/** A link of the chain with all that comes after it. `getRawInput` is undefined until a middleware overrides it. */
export type Link = (
  call: ProcedureCall,
  ctx: unknown,
  input: unknown,
  getRawInput: GetRawInput | undefined,
) => Promise<Outcome>;

/**
 * Compiles a procedure that has middleware: tRPC's recursion without its copies of the options. A link starts its
 * handler in the same turn of the microtask queue as tRPC's, that is at once, or later when a schema comes before it:
 * a middleware that does something between `next()` and `await` sees the same order.
 */
export function compileChain(procedure: ProcedureParts): Link {
  const last = resolverLink(compileResolver(procedure));
  return procedure.steps.reduceRight((rest, step) => linkOf(procedure, step, rest), last);
}

function linkOf(procedure: ProcedureParts, step: ProcedureStep, rest: Link): Link {
  switch (step.kind) {
    case "input":
      return inputLink(step.parse, rest);
    case "output":
      return outputLink(step.parse, rest);
    case "middleware":
      return middlewareLink(procedure, step.run, rest);
  }
}

function resolverLink(resolve: Resolve): Link {
  return async (call, ctx, input, getRawInput) => {
    try {
      const data = await resolve(call, ctx, input, getRawInput);
      return { marker: middlewareMarker, ok: true, data, ctx };
    } catch (cause) {
      return failure(cause);
    }
  };
}

function inputLink(parse: Parse, rest: Link): Link {
  return async (call, ctx, input, getRawInput) => {
    try {
      const rawInput = await (getRawInput === undefined ? call.input : getRawInput());
      const parsed = await parseInput(parse, rawInput);
      return await rest(call, ctx, mergeInput(input, parsed), getRawInput);
    } catch (cause) {
      return failure(cause);
    }
  };
}

function outputLink(parse: Parse, rest: Link): Link {
  return async (call, ctx, input, getRawInput) => {
    try {
      const result = await rest(call, ctx, input, getRawInput);
      return result.ok ? { ...result, data: await parseOutput(parse, result.data) } : result;
    } catch (cause) {
      return failure(cause);
    }
  };
}

function middlewareLink(procedure: ProcedureParts, run: Handler, rest: Link): Link {
  const needsSignal = canReadSignal(run);
  return async (call, ctx, input, getRawInput) => {
    const next: Next = (overrides) =>
      rest(
        call,
        overrides?.ctx ? { ...(ctx as object), ...overrides.ctx } : ctx,
        overrides && "input" in overrides ? overrides.input : input,
        overrides?.getRawInput ?? getRawInput,
      );
    const options = new MiddlewareOptions(procedure, call, ctx, input, getRawInput, next);
    try {
      // What a middleware returns is only known to be an Outcome by its type; compiled-procedure.ts looks at it.
      return (await run(needsSignal ? options.addSignal() : options)) as Outcome;
    } catch (cause) {
      return failure(cause);
    }
  };
}

/** As in tRPC this may throw for a hostile value: the next link out then catches what it threw. */
function failure(cause: unknown): Failure {
  return { marker: middlewareMarker, ok: false, error: getTRPCErrorFromUnknown(cause) };
}
