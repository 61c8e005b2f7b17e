import { type AnyTRPCProcedure, initTRPC, type TRPCProcedureType } from "@trpc/server";
import * as fc from "fast-check";
import { makeMiddleware, middlewareKinds, signalReaders, type Witness } from "./random-middlewares.ts";
import { makeParser, parserKinds } from "./random-parsers.ts";
import { makeResolver, resolverKinds, signalReadingResolvers } from "./random-resolvers.ts";
import { throwables } from "./random-throws.ts";
import type { Recorder } from "./recorder.ts";

/** The description of one part; fast-check shrinks and prints it. */
export type PartSpec =
  | { readonly part: "input" | "output" | "middleware" | "reusable"; readonly kind: string; readonly throws: string }
  | { readonly part: "concat"; readonly parts: readonly PartSpec[] }
  | { readonly part: "meta" | "sameOutput" | "errors" | "caller" | "foreign" };

export interface ProcedureSpec {
  readonly type: TRPCProcedureType;
  readonly parts: readonly PartSpec[];
  readonly resolver: { readonly kind: string; readonly throws: string };
}

/** A builder as its methods are at run time. Random parts have no type that tRPC's builder could check. */
interface Builder {
  input(parser: unknown): Builder;
  output(parser: unknown): Builder;
  use(middleware: unknown): Builder;
  meta(meta: object): Builder;
  concat(builder: Builder): Builder;
  errors?(formatter: () => undefined): Builder;
  experimental_caller(caller: (call: { args: unknown[]; invoke: (options: unknown) => unknown }) => unknown): Builder;
  query(resolver: unknown): AnyTRPCProcedure;
  mutation(resolver: unknown): AnyTRPCProcedure;
  subscription(resolver: unknown): AnyTRPCProcedure;
}

const t = initTRPC.context<object>().meta<object>().create();
const emptyBuilder = t.procedure as unknown as Builder;

const throws = fc.constantFrom(...Object.keys(throwables));
const leaf: fc.Arbitrary<PartSpec> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ part: fc.constant("input" as const), kind: fc.constantFrom(...parserKinds), throws }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ part: fc.constant("output" as const), kind: fc.constantFrom(...parserKinds), throws }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      part: fc.constantFrom("middleware" as const, "reusable" as const),
      kind: fc.constantFrom(...middlewareKinds),
      throws,
    }),
  },
  { weight: 2, arbitrary: fc.record({ part: fc.constantFrom("meta" as const, "sameOutput" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ part: fc.constantFrom("errors" as const, "caller" as const, "foreign" as const) }),
  },
);
const part: fc.Arbitrary<PartSpec> = fc.oneof(
  { weight: 12, arbitrary: leaf },
  {
    weight: 1,
    arbitrary: fc.record({ part: fc.constant("concat" as const), parts: fc.array(leaf, { maxLength: 3 }) }),
  },
);

/** Any procedure: a third have no middleware, so that the path without recursion is well tried. */
export const procedureSpecs: fc.Arbitrary<ProcedureSpec> = fc.record({
  type: fc.constantFrom("query" as const, "mutation" as const, "subscription" as const),
  parts: fc.oneof(
    { weight: 2, arbitrary: fc.array(part, { maxLength: 6 }) },
    { weight: 1, arbitrary: fc.array(leaf.filter(isSchema), { maxLength: 4 }) },
  ),
  resolver: fc.record({ kind: fc.constantFrom(...resolverKinds), throws }),
});

function isSchema({ part }: PartSpec): boolean {
  return part === "input" || part === "output" || part === "meta" || part === "sameOutput";
}

/** Raw inputs: what the parsers take, what they refuse, and what is odd. */
export const rawInputs: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ a: fc.oneof(fc.string(), fc.integer({ min: 0, max: 2 })) }),
  fc.record({ a: fc.string(), b: fc.integer(), c: fc.integer() }, { requiredKeys: [] }),
  fc.constantFrom(undefined, null, "text", 7, [], [1, 2], {}, { a: { b: [1] } }),
  fc.constant('{"__proto__":{"polluted":true},"a":"x"}').map((json): unknown => JSON.parse(json)),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Whether a procedure is one that only tRPC itself can call. */
export function needsTrpc({ parts }: ProcedureSpec): boolean {
  return flatten(parts).some(isForTrpcOnly);
}

/** Whether a part of the procedure reads the call's signal. */
export function readsSignal({ parts, resolver }: ProcedureSpec): boolean {
  const readers = flatten(parts).filter((each) => "kind" in each && signalReaders.has(each.kind));
  return readers.length > 0 || signalReadingResolvers.has(resolver.kind);
}

function flatten(parts: readonly PartSpec[]): readonly PartSpec[] {
  return parts.flatMap((each) => (each.part === "concat" ? each.parts : [each]));
}

function isForTrpcOnly({ part }: PartSpec): boolean {
  return part === "caller" || part === "foreign" || (part === "errors" && emptyBuilder.errors !== undefined);
}

/** Builds the procedure that a description tells of. All that its parts see goes to `recorder`. */
export class ProcedureFactory {
  readonly #recorder: Recorder;
  #count = 0;
  #output: unknown;
  #hasCaller = false;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  build({ type, parts, resolver }: ProcedureSpec): AnyTRPCProcedure {
    const built = parts.reduce((builder, spec) => this.#add(builder, spec), emptyBuilder);
    return built[type](makeResolver(resolver.kind, this.#witness("resolver", resolver.throws)));
  }

  #add(builder: Builder, spec: PartSpec): Builder {
    switch (spec.part) {
      case "input":
        return builder.input(this.#parser(spec.kind, spec.throws));
      case "output":
        // tRPC refuses a second output that is another.
        this.#output ??= this.#parser(spec.kind, spec.throws);
        return builder.output(this.#output);
      case "sameOutput":
        return this.#output === undefined ? builder : builder.output(this.#output);
      case "middleware":
        return builder.use(this.#middleware(spec.kind, spec.throws));
      case "reusable":
        return builder.use(t.middleware(this.#middleware(spec.kind, spec.throws) as never));
      case "concat":
        return builder.concat(spec.parts.reduce((inner, each) => this.#add(inner, each), emptyBuilder));
      case "meta":
        return builder.meta({ [this.#name("meta")]: true });
      case "errors":
        return builder.errors?.(() => undefined) ?? builder;
      case "caller":
        if (this.#hasCaller) return builder;
        this.#hasCaller = true;
        return builder.experimental_caller(({ args, invoke }) => invoke(args[0]));
      case "foreign":
        return builder.use(Object.assign(this.#middleware("pass", "error"), { _type: "unheard-of" }));
    }
  }

  #parser(kind: string, thrown: string): unknown {
    const name = this.#name(kind);
    return makeParser(kind, name, this.#recorder, this.#witness(name, thrown).fail);
  }

  #middleware(kind: string, thrown: string): object {
    return makeMiddleware(kind, this.#witness(this.#name(kind), thrown)) ?? {};
  }

  #witness(name: string, thrown: string): Witness {
    const fail = (): never => {
      throw throwables[thrown]?.();
    };
    const failSometimes = (): void => {
      if (this.#recorder.count(name) % 2 === 1) fail();
    };
    return { name, recorder: this.#recorder, fail, failSometimes };
  }

  #name(kind: string): string {
    this.#count += 1;
    return `${kind}#${this.#count}`;
  }
}
