import { type AnyTRPCProcedure, initTRPC, type TRPCProcedureType } from "@trpc/server";
// tRPC's public entry has no `getParseFn`. Every tRPC 11 exports it here, and parsing must be the same code as tRPC's.
import { getParseFn, type Parser } from "@trpc/server/unstable-core-do-not-import";

/** Returns what a schema makes of a value, or a promise of it; throws or rejects when the value does not fit. */
export type Parse = (value: unknown) => unknown;

/** A function of the user's: it gets tRPC's middleware or resolver options. */
export type Handler = (options: object) => unknown;

/** One link of a procedure's middleware chain, in the order in which tRPC runs them. */
export type ProcedureStep =
  | { readonly kind: "input"; readonly parse: Parse }
  | { readonly kind: "output"; readonly parse: Parse }
  | { readonly kind: "middleware"; readonly run: Handler };

/** What a procedure is made of. */
export interface ProcedureParts {
  readonly type: TRPCProcedureType;
  readonly meta: unknown;
  readonly steps: readonly ProcedureStep[];
  readonly resolver: Handler;
}

/** The fields of `_def` that tRPC 11 sets and does not put into its types. */
interface BuiltDefinition {
  readonly procedure: true;
  readonly type: TRPCProcedureType;
  readonly meta?: unknown;
  readonly inputs: readonly Parser[];
  readonly output?: Parser;
  readonly middlewares: readonly MarkedHandler[];
  readonly resolver: Handler;
}

type MarkedHandler = Handler & { readonly _type?: unknown };

const types: ReadonlySet<unknown> = new Set(["query", "mutation", "subscription"]);

/**
 * Takes a procedure apart. Returns `undefined` when anything about it is not as tRPC 11 builds it: an unknown mark on a
 * middleware (`.errors()` has one), an `experimental_caller`, a wrapped procedure, parsers and middlewares that do not
 * match one to one. Such a procedure can only be called as it is.
 */
export function readProcedureParts(procedure: AnyTRPCProcedure): ProcedureParts | undefined {
  const definition: unknown = procedure._def;
  if (!isSameCode(procedure, known.procedure) || !isBuiltDefinition(definition)) return undefined;
  const last = definition.middlewares.at(-1);
  if (last === undefined || last._type !== undefined || !isSameCode(last, known.resolver)) return undefined;
  const steps = readSteps(definition);
  return steps && { type: definition.type, meta: definition.meta, steps, resolver: definition.resolver };
}

function readSteps(definition: BuiltDefinition): ProcedureStep[] | undefined {
  const inputs = definition.inputs.values();
  const steps: ProcedureStep[] = [];
  for (const middleware of definition.middlewares.slice(0, -1)) {
    const step = readStep(middleware, inputs, definition.output);
    if (step === undefined) return undefined;
    steps.push(step);
  }
  const outputIsUsed = steps.some((step) => step.kind === "output");
  return inputs.next().done === true && outputIsUsed === (definition.output !== undefined) ? steps : undefined;
}

/** The one place that tells kinds of middleware apart; a middleware of ours with a mark of its own would be read here. */
function readStep(
  middleware: MarkedHandler,
  inputs: Iterator<Parser>,
  output: Parser | undefined,
): ProcedureStep | undefined {
  switch (middleware._type) {
    case undefined:
      return { kind: "middleware", run: middleware };
    case "input": {
      const input = inputs.next();
      if (input.done === true || !isSameCode(middleware, known.input)) return undefined;
      return { kind: "input", parse: getParseFn(input.value) };
    }
    case "output":
      // tRPC refuses two different outputs in one procedure, so each of these has the same parser.
      if (output === undefined || !isSameCode(middleware, known.output)) return undefined;
      return { kind: "output", parse: getParseFn(output) };
    default:
      return undefined;
  }
}

function isBuiltDefinition(definition: unknown): definition is BuiltDefinition {
  if (typeof definition !== "object" || definition === null) return false;
  const { procedure, type, inputs, middlewares, resolver, caller } = definition as Record<string, unknown>;
  return (
    procedure === true &&
    types.has(type) &&
    Array.isArray(inputs) &&
    Array.isArray(middlewares) &&
    middlewares.every((middleware) => typeof middleware === "function") &&
    typeof resolver === "function" &&
    caller === undefined
  );
}

/**
 * The source text of the functions that this tRPC makes. A procedure that someone has wrapped (for tracing, say) keeps
 * its `_def`; taking that apart would go past the wrapper. Its text gives it away, also when it is a Proxy.
 */
const known = readKnownCode();

function readKnownCode(): Record<"procedure" | "input" | "output" | "resolver", string> {
  const { procedure } = initTRPC.create({ allowOutsideOfServer: true });
  const sample = procedure
    .input((value) => value)
    .output((value) => value)
    .query(() => null);
  const definition: unknown = sample._def;
  const [input, output, resolver] = isBuiltDefinition(definition) ? definition.middlewares : [];
  return {
    procedure: codeOf(sample),
    input: input ? codeOf(input) : "",
    output: output ? codeOf(output) : "",
    resolver: resolver ? codeOf(resolver) : "",
  };
}

function isSameCode(candidate: unknown, code: string): boolean {
  return typeof candidate === "function" && codeOf(candidate) === code;
}

function codeOf(value: object): string {
  return Function.prototype.toString.call(value);
}
