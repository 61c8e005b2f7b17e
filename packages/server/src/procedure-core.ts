import { TRPCError } from "@trpc/server";
import { isObject } from "@trpc/server/unstable-core-do-not-import";
import { canReadSignal, type GetRawInput, ResolverOptions } from "./handler-options.ts";
import type { ProcedureCall } from "./procedure-call.ts";
import type { Parse, ProcedureParts, ProcedureStep } from "./procedure-parts.ts";
import { sentInputOf } from "./resumed-input.ts";
import { isThenable } from "./thenable.ts";

/** Runs the resolver with an input that has been parsed. */
export type Resolve = (
  call: ProcedureCall,
  ctx: unknown,
  input: unknown,
  getRawInput: GetRawInput | undefined,
) => unknown;

/** Compiles the resolver alone. */
export function compileResolver(procedure: ProcedureParts): Resolve {
  const { resolver } = procedure;
  const needsSignal = canReadSignal(resolver);
  return (call, ctx, input, getRawInput) => {
    const options = new ResolverOptions(procedure, call, ctx, input, getRawInput);
    return resolver(needsSignal ? options.addSignal() : options);
  };
}

/**
 * Compiles a procedure that has no middleware of the user's: parse the input, resolve, parse the output. A call returns
 * the result, or a promise of it when one of the parts is asynchronous; it throws or rejects with what the resolver
 * threw, or a `TRPCError` for a schema.
 */
export function compileCore(procedure: ProcedureParts): (call: ProcedureCall) => unknown {
  const resolve = compileResolver(procedure);
  const inputs = parsersOf(procedure.steps, "input");
  // The first output in the chain is the outermost, so it is parsed last.
  const outputs = parsersOf(procedure.steps, "output").reverse();
  const resolveAndCheck = (call: ProcedureCall, input: unknown): unknown => {
    const result = resolve(call, call.ctx, input, undefined);
    return outputs.length === 0 ? result : parseOutputs(outputs, result);
  };
  return (call) => {
    const input = parseInputs(inputs, call.input);
    return isThenable(input) ? input.then((parsed) => resolveAndCheck(call, parsed)) : resolveAndCheck(call, input);
  };
}

function parsersOf(steps: readonly ProcedureStep[], kind: "input" | "output"): Parse[] {
  return steps.flatMap((step) => (step.kind === kind ? [step.parse] : []));
}

/** What the schemas make of `rawInput`, all objects merged; a promise when a schema is asynchronous. */
function parseInputs(inputs: readonly Parse[], rawInput: unknown): unknown {
  let input: unknown;
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
export function parseInput(parse: Parse, rawInput: unknown): unknown {
  try {
    const parsed = parse(rawInput);
    return isThenable(parsed) ? settleInput(parsed, parse, rawInput) : parsed;
  } catch (cause) {
    return refuseInput(cause, parse, rawInput);
  }
}

async function settleInput(pending: PromiseLike<unknown>, parse: Parse, rawInput: unknown): Promise<unknown> {
  try {
    return await pending;
  } catch (cause) {
    return refuseInput(cause, parse, rawInput);
  }
}

/** Where it is the id after which a subscription goes on that does not fit, its schema gets what was sent. */
function refuseInput(cause: unknown, parse: Parse, rawInput: unknown): unknown {
  const sent = sentInputOf(rawInput);
  if (sent !== undefined) return parseInput(parse, sent.input);
  throw new TRPCError({ code: "BAD_REQUEST", cause });
}

/** Inputs of one procedure are merged when both are objects; otherwise the later one replaces the earlier. */
export function mergeInput(earlier: unknown, parsed: unknown): unknown {
  return isObject(earlier) && isObject(parsed) ? { ...earlier, ...parsed } : parsed;
}

function parseOutputs(outputs: readonly Parse[], result: unknown): unknown {
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
export function parseOutput(parse: Parse, result: unknown): unknown {
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
