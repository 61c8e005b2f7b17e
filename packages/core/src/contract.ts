import type { Schema, SchemaInput, SchemaOutput } from "./schema.ts";

/** What a procedure does: answers, changes something and answers, or goes on sending items. */
export type ProcedureType = "query" | "mutation" | "subscription";

/** What anyone may write on a procedure. A server's middleware reads it as tRPC's `meta`. */
export type ProcedureMeta = Readonly<Record<string, unknown>>;

/** What every procedure of a contract has. */
export interface ContractProcedure<
  Type extends ProcedureType = ProcedureType,
  Input extends Schema | undefined = Schema | undefined,
  Output extends Schema | undefined = Schema | undefined,
> {
  readonly type: Type;
  /** What the caller sends. Without one the procedure takes nothing. */
  readonly input: Input;
  /** What comes back; of a subscription, each item. Without one nothing does (`void`). */
  readonly output: Output;
  readonly meta: ProcedureMeta | undefined;
}

/** A procedure that answers. */
export interface ContractQuery<
  Input extends Schema | undefined = Schema | undefined,
  Output extends Schema | undefined = Schema | undefined,
> extends ContractProcedure<"query", Input, Output> {}

/** A procedure that changes something and answers. */
export interface ContractMutation<
  Input extends Schema | undefined = Schema | undefined,
  Output extends Schema | undefined = Schema | undefined,
> extends ContractProcedure<"mutation", Input, Output> {
  readonly idempotent: boolean | undefined;
}

/** A procedure that goes on sending items. */
export interface ContractSubscription<
  Input extends Schema | undefined = Schema | undefined,
  Output extends Schema | undefined = Schema | undefined,
  Tracked extends boolean = boolean,
> extends ContractProcedure<"subscription", Input, Output> {
  /** Undefined stands for false. */
  readonly tracked: Tracked;
}

/** Procedures by name, nested as deep as one likes. */
export interface Contract {
  readonly [name: string]: ContractProcedure | Contract;
}

/** What a query is made from. */
export interface QueryDefinition<Input, Output> {
  readonly input?: Input;
  readonly output?: Output;
  readonly meta?: ProcedureMeta;
}

/** What a mutation is made from. */
export interface MutationDefinition<Input, Output> extends QueryDefinition<Input, Output> {
  /** Running it twice does what running it once does. Default false. */
  readonly idempotent?: boolean;
}

/** What a subscription is made from. */
export interface SubscriptionDefinition<Input, Output, Tracked> extends QueryDefinition<Input, Output> {
  /** The client gets each item as `{ id, data }` and may resume after an id. Default false: it gets the item alone. */
  readonly tracked?: Tracked;
}

/**
 * A schema as it was given. Inside `contract({ … })` TypeScript takes a schema that was left out for the widest one that
 * a contract allows, instead of the type parameter's default; this turns it back.
 */
type Given<S extends Schema | undefined> = [Schema | undefined] extends [S] ? undefined : S;

/** A procedure that answers. */
export function query<Input extends Schema | undefined = undefined, Output extends Schema | undefined = undefined>(
  definition: QueryDefinition<Input, Output> = {},
): ContractQuery<Given<Input>, Given<Output>> {
  return define("query", definition);
}

/** A procedure that changes something and answers. */
export function mutation<Input extends Schema | undefined = undefined, Output extends Schema | undefined = undefined>(
  definition: MutationDefinition<Input, Output> = {},
): ContractMutation<Given<Input>, Given<Output>> {
  return define("mutation", definition);
}

/** A procedure that goes on sending items until either side ends it. */
export function subscription<
  Input extends Schema | undefined = undefined,
  Output extends Schema | undefined = undefined,
  Tracked extends boolean = false,
>(
  definition: SubscriptionDefinition<Input, Output, Tracked> = {},
): ContractSubscription<Given<Input>, Given<Output>, Tracked> {
  return define("subscription", definition);
}

/** What a definition leaves out reads as undefined. TypeScript does not follow that into `Given`. */
function define<P extends ContractProcedure>(type: P["type"], definition: object): P {
  return Object.freeze({ ...definition, type }) as unknown as P;
}

/**
 * What server and clients share: procedures by name. It is looked at by whoever implements it, at start: a client carries none of
 * that.
 */
export function contract<C extends Contract>(procedures: C): C {
  return procedures;
}

/** The procedure at a path such as `chat.send`; undefined where there is none. Looks at own names only. */
export function findProcedure(contract: Contract, path: string): ContractProcedure | undefined {
  let node: Contract | ContractProcedure | undefined = contract;
  for (const name of path.split(".")) {
    if (node === undefined || isProcedure(node) || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return isProcedure(node) ? node : undefined;
}

/** Whether a contract's value is a procedure; if not, it is a record of more. */
export function isProcedure(value: unknown): value is ContractProcedure {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  return value.type === "query" || value.type === "mutation" || value.type === "subscription";
}

/** `T`, and nothing at all where `undefined` will do. */
type Omittable<T> = undefined extends T ? T | void : T;

/** What a caller hands to a procedure. */
export type inferContractInput<P extends ContractProcedure> = P["input"] extends Schema
  ? Omittable<SchemaInput<P["input"]>>
  : void;

/** What a caller gets from a procedure; of a subscription, each item. */
export type inferContractOutput<P extends ContractProcedure> = P extends { readonly tracked: true }
  ? TrackedItem<SchemaResult<P["output"]>>
  : SchemaResult<P["output"]>;

type SchemaResult<S extends Schema | undefined> = S extends Schema ? SchemaOutput<S> : void;

/** An item with the id after which a subscription may be resumed, as tRPC's `tracked` sends it. */
export interface TrackedItem<Item> {
  id: string;
  data: Item;
}

/** What a procedure's handler gets of what its caller hands in. */
export type HandlerInput<P extends ContractProcedure> = P["input"] extends Schema
  ? SchemaOutput<P["input"]>
  : undefined;

/** What a procedure's handler gives; of a subscription, each item. */
export type HandlerOutput<P extends ContractProcedure> = P["output"] extends Schema ? SchemaInput<P["output"]> : void;

/** What callers hand to each procedure of a contract, by name. */
export type inferContractInputs<C extends Contract> = {
  [Name in keyof C]: C[Name] extends ContractProcedure
    ? inferContractInput<C[Name]>
    : C[Name] extends Contract
      ? inferContractInputs<C[Name]>
      : never;
};

/** What callers get from each procedure of a contract, by name; of a subscription, each item. */
export type inferContractOutputs<C extends Contract> = {
  [Name in keyof C]: C[Name] extends ContractProcedure
    ? inferContractOutput<C[Name]>
    : C[Name] extends Contract
      ? inferContractOutputs<C[Name]>
      : never;
};
