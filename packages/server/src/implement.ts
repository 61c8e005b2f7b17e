import {
  type Contract,
  ContractError,
  type ContractProcedure,
  type ContractSubscription,
  checkContract,
  isProcedure,
  type JsonUnsafePaths,
  type ProcedureType,
  type Schema,
  type TransformerNeeded,
} from "@tautline/core";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import type {
  AnyMiddlewareFunction,
  AnyProcedureBuilder,
  AnyRootTypes,
  BuiltRouter,
  CombinedDataTransformer,
  RouterRecord,
} from "@trpc/server/unstable-core-do-not-import";
import type { BuiltProcedure, ContractBuilder, ImplementedProcedure } from "./contract-builder.ts";
import { createItemMiddleware, hideEventIds } from "./subscription-items.ts";
import { checkTransformer } from "./transformer-check.ts";

/** What `initTRPC.create()` returns, as far as it is used here. */
export interface TrpcRoot {
  readonly _config: { readonly $types: AnyRootTypes; readonly transformer: CombinedDataTransformer };
  readonly procedure: AnyProcedureBuilder;
  // Its parameter is a type of tRPC's own that depends on what is handed in.
  // oxlint-disable-next-line typescript/no-explicit-any
  router(record: any): AnyTRPCRouter;
}

/** `t` as it is, unless the contract holds what JSON would change and `t` has no transformer. */
type KeepsContract<C extends Contract, T extends TrpcRoot> = T["_config"]["$types"]["transformer"] extends false
  ? [JsonUnsafePaths<C>] extends [never]
    ? unknown
    : TransformerNeeded<JsonUnsafePaths<C>>
  : unknown;

/** A contract's procedures as builders, by the same names. */
export type ContractBuilders<Root extends AnyRootTypes, C extends Contract, Prefix extends string = ""> = {
  readonly [Name in keyof C & string]: C[Name] extends ContractProcedure
    ? ContractBuilder<Root, C[Name], `${Prefix}${Name}`>
    : C[Name] extends Contract
      ? ContractBuilders<Root, C[Name], `${Prefix}${Name}.`>
      : never;
};

/** What `router` takes: each procedure of the contract, built from its own builder. */
export type ImplementedProcedures<Root extends AnyRootTypes, C extends Contract, Prefix extends string = ""> = {
  readonly [Name in keyof C & string]: C[Name] extends ContractProcedure
    ? ImplementedProcedure<Root, C[Name], `${Prefix}${Name}`>
    : C[Name] extends Contract
      ? ImplementedProcedures<Root, C[Name], `${Prefix}${Name}.`>
      : never;
};

/** The procedures of the router that comes out, by name. */
export type ContractRouterRecord<Root extends AnyRootTypes, C extends Contract> = {
  [Name in keyof C & string]: C[Name] extends ContractProcedure
    ? BuiltProcedure<Root, C[Name]>
    : C[Name] extends Contract
      ? ContractRouterRecord<Root, C[Name]>
      : never;
} extends infer Record extends RouterRecord
  ? Record
  : never;

/** A contract, ready to be implemented with one `t`. */
export interface Implementation<Root extends AnyRootTypes, C extends Contract> {
  readonly procedures: ContractBuilders<Root, C>;
  /**
   * A tRPC router of all the contract's procedures. What is missing, is too much, is of another type or was built for
   * another path does not compile, and does not start.
   *
   * @throws {ContractError} with the path of the first procedure that is wrong.
   */
  readonly router: (record: ImplementedProcedures<Root, C>) => BuiltRouter<Root, ContractRouterRecord<Root, C>>;
}

/**
 * Gives a contract's procedures as tRPC's builders, with the schemas attached, and what makes a router of them.
 *
 * - `input` is checked before middlewares run, `output` after them. A procedure without `output` returns nothing: what
 *   its handler returns all the same is dropped.
 * - Each item of a subscription is checked with `output`; one that does not fit ends it with `INTERNAL_SERVER_ERROR`.
 * - A contract's `meta` is the procedure's tRPC `meta`.
 *
 * @throws {ContractError} where the transformer of `t` does not keep what the contract holds. The compiler finds this
 *   where `t` has no transformer at all; at start a Zod schema's Date, bigint, Map, Set, NaN and undefined in arrays,
 *   `bytes()` and `stream(…)` are sent through the transformer. Other libraries' schemas cannot be read, so a transformer that loses what they hold is
 *   not found.
 */
export function implement<C extends Contract, T extends TrpcRoot>(
  contract: C,
  t: T & KeepsContract<C, T>,
): Implementation<T["_config"]["$types"], C>;
export function implement(
  contract: Contract,
  t: TrpcRoot,
): { readonly procedures: object; router(record: object): AnyTRPCRouter } {
  checkContract(contract);
  checkTransformer(contract, t._config.transformer);
  const builtFor: BuiltFor = new WeakMap();
  return {
    procedures: createBuilders(contract, "", t, builtFor),
    router(record) {
      checkRecord(record, contract, "", builtFor);
      return t.router(record);
    },
  };
}

/** Which path of the contract a finished procedure was built for. */
type BuiltFor = WeakMap<object, string>;

function createBuilders(contract: Contract, prefix: string, t: TrpcRoot, builtFor: BuiltFor): object {
  const builders = Object.create(null) as Record<string, unknown>;
  for (const [name, child] of Object.entries(contract)) {
    const path = prefix + name;
    builders[name] = isProcedure(child)
      ? wrapBuilder(attachSchemas(t.procedure, child), child.type, (built) => {
          builtFor.set(built, path);
          if (isSubscription(child) && !child.tracked) hideEventIds(built);
        })
      : createBuilders(child, `${path}.`, t, builtFor);
  }
  return Object.freeze(builders);
}

function attachSchemas(start: AnyProcedureBuilder, procedure: ContractProcedure): AnyProcedureBuilder {
  const { input, output, meta } = procedure;
  let builder = input === undefined ? start : start.input(input);
  if (meta !== undefined) builder = builder.meta(meta);
  if (isSubscription(procedure)) {
    return builder.use(createItemMiddleware({ schema: output ?? nothing, tracked: Boolean(procedure.tracked) }));
  }
  // A function, as tRPC's parsers may be, keeps a procedure synchronous; tRPC awaits other libraries' schemas.
  return builder.output(output ?? (() => undefined));
}

const nothing: Schema<unknown, undefined> = {
  "~standard": { version: 1, vendor: "tautline", validate: () => ({ value: undefined }) },
};

function isSubscription(procedure: ContractProcedure): procedure is ContractSubscription {
  return procedure.type === "subscription";
}

/** A tRPC builder that can only be finished as the contract says, and that tells of what was built with it. */
function wrapBuilder(builder: AnyProcedureBuilder, type: ProcedureType, onBuilt: (built: object) => void): object {
  const wrap = (next: AnyProcedureBuilder): object => wrapBuilder(next, type, onBuilt);
  const finishers: Record<ProcedureType, (handler: () => never) => object> = builder;
  return Object.freeze({
    use: (middleware: AnyMiddlewareFunction) => wrap(builder.use(middleware)),
    concat: (other: AnyProcedureBuilder) => wrap(builder.concat(other)),
    meta: (meta: object) => wrap(builder.meta(meta)),
    [type]: (handler: () => never) => {
      const built = finishers[type](handler);
      onBuilt(built);
      return built;
    },
  });
}

function checkRecord(record: unknown, contract: Contract, prefix: string, builtFor: BuiltFor): void {
  if (typeof record !== "object" || record === null)
    throw new ContractError(prefix.slice(0, -1), "was not implemented");
  for (const name of Object.keys(record)) {
    if (!Object.hasOwn(contract, name)) throw new ContractError(prefix + name, "is not in the contract");
  }
  for (const [name, child] of Object.entries(contract)) {
    const path = prefix + name;
    const given: unknown = Object.getOwnPropertyDescriptor(record, name)?.value;
    if (isProcedure(child)) checkImplemented(given, child.type, path, builtFor);
    else checkRecord(given, child, `${path}.`, builtFor);
  }
}

function checkImplemented(given: unknown, type: ProcedureType, path: string, builtFor: BuiltFor): void {
  if (given === undefined) throw new ContractError(path, "was not implemented");
  if (!isTrpcProcedure(given)) throw new ContractError(path, "is not a procedure");
  const givenType = given._def.type;
  if (givenType !== type) throw new ContractError(path, `is a ${type} in the contract and was built as a ${givenType}`);
  const builtPath = builtFor.get(given);
  if (builtPath === undefined) throw new ContractError(path, `was not built from this contract's procedures.${path}`);
  if (builtPath !== path) throw new ContractError(path, `was built from procedures.${builtPath}`);
}

function isTrpcProcedure(value: unknown): value is AnyTRPCProcedure {
  return typeof value === "function" && "_def" in value;
}
