import { TRPCError } from "@trpc/server";
import { isObject } from "@trpc/server/unstable-core-do-not-import";
import { canReadSignal, type GetRawInput, ResolverOptions } from "./handler-options.ts";
import type { ProcedureCall } from "./procedure-call.ts";
import type { Parse, ProcedureParts, ProcedureStep } from "./procedure-parts.ts";
import { isThenable } from "./thenable.ts";

/**
 * Parses the input, resolves, parses the output. Returns the result, or a promise of it when one of the parts is
 * asynchronous; throws or rejects with what a handler threw, or a `TRPCError` for a schema.
 */
export type ProcedureCore = (
  call: ProcedureCall,
  ctx: unknown,
  input: unknown,
  rawInput: unknown,
  getRawInput?: GetRawInput,
) => unknown;

/** Compiles the resolver with the schemas around it; `steps` are those that no middleware of the user's comes after. */
export function compileCore(procedure: ProcedureParts, steps: readonly ProcedureStep[]): ProcedureCore {
  const inputs = parsersOf(steps, "input");
  // The first output in the chain is the outermost, so it is parsed last.
  const outputs = parsersOf(steps, "output").reverse();
  const { resolver } = procedure;
  const needsSignal = canReadSignal(resolver);
  const resolve: ProcedureCore = (call, ctx, input, _rawInput, getRawInput) => {
    const options = new ResolverOptions(procedure, call, ctx, input, getRawInput);
    return resolver(needsSignal ? options.addSignal() : options);
  };
  const resolveAndCheck: ProcedureCore =
    outputs.length === 0
      ? resolve
      : (call, ctx, input, rawInput, getRawInput) =>
          parseOutputs(outputs, resolve(call, ctx, input, rawInput, getRawInput));
  if (inputs.length === 0) return resolveAndCheck;
  return (call, ctx, input, rawInput, getRawInput) => {
    const parsed = parseInputs(inputs, input, rawInput);
    return isThenable(parsed)
      ? parsed.then((value) => resolveAndCheck(call, ctx, value, rawInput, getRawInput))
      : resolveAndCheck(call, ctx, parsed, rawInput, getRawInput);
  };
}

function parsersOf(steps: readonly ProcedureStep[], kind: "input" | "output"): Parse[] {
  return steps.flatMap((step) => (step.kind === kind ? [step.parse] : []));
}

/** What the schemas make of `rawInput`, objects merged into `earlier`; a promise when a schema is asynchronous. */
function parseInputs(inputs: readonly Parse[], earlier: unknown, rawInput: unknown): Promise<unknown> | unknown {
  let input = earlier;
  let count = 0;
  for (const parse of inputs) {
    const parsed = parseInput(parse, rawInput);
    count += 1;
    if (isThenable(parsed)) return parseRemainingInputs(inputs.slice(count), input, parsed, rawInput);
    input = mergeInput(input, parsed);
  }
  return input;
}

async function parseRemainingInputs(
  inputs: readonly Parse[],
  earlier: unknown,
  pending: PromiseLike<unknown>,
  rawInput: unknown,
): Promise<unknown> {
  let input = mergeInput(earlier, await pending);
  for (const parse of inputs) input = mergeInput(input, await parseInput(parse, rawInput));
  return input;
}

/** Parses with one schema; throws, or rejects, with tRPC's `BAD_REQUEST`. */
export function parseInput(parse: Parse, rawInput: unknown): Promise<unknown> | unknown {
  try {
    const parsed = parse(rawInput);
    return isThenable(parsed) ? settleInput(parsed) : parsed;
  } catch (cause) {
    return refuseInput(cause);
  }
}

async function settleInput(pending: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await pending;
  } catch (cause) {
    return refuseInput(cause);
  }
}

function refuseInput(cause: unknown): never {
  throw new TRPCError({ code: "BAD_REQUEST", cause });
}

/** Inputs of one procedure are merged when both are objects; otherwise the later one replaces the earlier. */
export function mergeInput(earlier: unknown, parsed: unknown): unknown {
  return isObject(earlier) && isObject(parsed) ? { ...earlier, ...parsed } : parsed;
}

function parseOutputs(outputs: readonly Parse[], result: unknown): Promise<unknown> | unknown {
  if (isThenable(result)) return parseRemainingOutputs(outputs, result);
  let output = result;
  let count = 0;
  for (const parse of outputs) {
    output = parseOutput(parse, output);
    count += 1;
    if (isThenable(output)) return parseRemainingOutputs(outputs.slice(count), output);
  }
  return output;
}

async function parseRemainingOutputs(outputs: readonly Parse[], pending: PromiseLike<unknown>): Promise<unknown> {
  let output = await pending;
  for (const parse of outputs) output = await parseOutput(parse, output);
  return output;
}

/** Parses a result with one schema; throws, or rejects, with tRPC's "Output validation failed". */
export function parseOutput(parse: Parse, result: unknown): Promise<unknown> | unknown {
  try {
    const parsed = parse(result);
    return isThenable(parsed) ? settleOutput(parsed) : parsed;
  } catch (cause) {
    return refuseOutput(cause);
  }
}

async function settleOutput(pending: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await pending;
  } catch (cause) {
    return refuseOutput(cause);
  }
}

function refuseOutput(cause: unknown): never {
  throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: "Output validation failed", cause });
}
