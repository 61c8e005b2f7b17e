import type {
  ContractProcedure,
  HandlerInput,
  HandlerOutput,
  Schema,
  SchemaInput,
  SchemaOutput,
  TrackedItem,
} from "@tautline/core";
import type {
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
  TrackedEnvelope,
} from "@trpc/server";
import type { Observable } from "@trpc/server/observable";
// tRPC 11.0 exports its builder's types from here alone; types only, and the same in every 11.
import type {
  AnyRootTypes,
  MaybePromise,
  MiddlewareBuilder,
  MiddlewareFunction,
  Overwrite,
  ProcedureBuilder,
  ProcedureResolverOptions,
  UnsetMarker,
} from "@trpc/server/unstable-core-do-not-import";

/** What the caller sends. */
type InputSent<P extends ContractProcedure> = P["input"] extends Schema ? SchemaInput<P["input"]> : void;

/** What the caller gets of what the handler gives. */
type OutputParsed<P extends ContractProcedure> = P["output"] extends Schema ? SchemaOutput<P["output"]> : void;

/** The types of a built procedure, in the form in which tRPC keeps them. An alias, so that declarations spell it out. */
type BuiltTypes<Root extends AnyRootTypes, P extends ContractProcedure, Output> = {
  input: InputSent<P>;
  output: Output;
  meta: Root["meta"];
};

/** An item as a client that has the router's type gets it: with its id where the contract says `tracked`. */
type ItemReceived<P extends ContractProcedure> = P extends { readonly tracked: true }
  ? TrackedItem<OutputParsed<P>>
  : OutputParsed<P>;

/** What a subscription's handler may send: items, or `tracked(id, item)`; only the latter where the contract says so. */
type ItemGiven<P extends ContractProcedure> = P extends { readonly tracked: true }
  ? TrackedEnvelope<HandlerOutput<P>>
  : HandlerOutput<P> | TrackedEnvelope<HandlerOutput<P>>;

/** The tRPC procedure that stands for a contract's procedure in a router. */
export type BuiltProcedure<Root extends AnyRootTypes, P extends ContractProcedure> = P["type"] extends "query"
  ? TRPCQueryProcedure<BuiltTypes<Root, P, OutputParsed<P>>>
  : P["type"] extends "mutation"
    ? TRPCMutationProcedure<BuiltTypes<Root, P, OutputParsed<P>>>
    : TRPCSubscriptionProcedure<BuiltTypes<Root, P, AsyncIterable<ItemReceived<P>, void, unknown>>>;

/** In types only: where in the contract a procedure belongs. At start the same is held by identity. */
declare const implementedPath: unique symbol;

/** A procedure that was built for one path of a contract. */
export type ImplementedProcedure<
  Root extends AnyRootTypes,
  P extends ContractProcedure,
  Path extends string,
> = BuiltProcedure<Root, P> & { readonly [implementedPath]: Path };

/** What a handler is called with: tRPC's `{ ctx, input, signal, … }`. */
type HandlerOptions<Root extends AnyRootTypes, P extends ContractProcedure, Overrides> = ProcedureResolverOptions<
  Root["ctx"],
  Root["meta"],
  Overrides,
  HandlerInput<P>
>;

/** What can be put before the handler. Each step gives a new builder, as in tRPC. */
interface BuilderSteps<Root extends AnyRootTypes, P extends ContractProcedure, Path extends string, Overrides> {
  /** Adds a middleware. It runs after the input was checked; the output is checked after it. */
  use<$Overrides>(
    middleware:
      | MiddlewareBuilder<Overwrite<Root["ctx"], Overrides>, Root["meta"], $Overrides, HandlerInput<P>>
      | MiddlewareFunction<Root["ctx"], Root["meta"], Overrides, $Overrides, HandlerInput<P>>,
  ): ContractBuilder<Root, P, Path, Overwrite<Overrides, $Overrides>>;
  /** Adds another builder's middlewares, such as those of a `t.procedure.use(…)` that many procedures share. */
  concat<$Context, $Meta, $Overrides>(
    builder: Overwrite<Root["ctx"], Overrides> extends $Context
      ? Root["meta"] extends $Meta
        ? ProcedureBuilder<$Context, $Meta, $Overrides, UnsetMarker, UnsetMarker, UnsetMarker, UnsetMarker, false>
        : never
      : never,
  ): ContractBuilder<Root, P, Path, Overwrite<Overrides, $Overrides>>;
  /** Merges metadata over what is there already, the contract's own `meta` first. */
  meta(meta: Root["meta"]): ContractBuilder<Root, P, Path, Overrides>;
}

/** Builds a contract's query. */
export interface ContractQueryBuilder<
  Root extends AnyRootTypes,
  P extends ContractProcedure,
  Path extends string,
  Overrides,
> extends BuilderSteps<Root, P, Path, Overrides> {
  query(
    handler: (options: HandlerOptions<Root, P, Overrides>) => MaybePromise<HandlerOutput<P>>,
  ): ImplementedProcedure<Root, P, Path>;
}

/** Builds a contract's mutation. */
export interface ContractMutationBuilder<
  Root extends AnyRootTypes,
  P extends ContractProcedure,
  Path extends string,
  Overrides,
> extends BuilderSteps<Root, P, Path, Overrides> {
  mutation(
    handler: (options: HandlerOptions<Root, P, Overrides>) => MaybePromise<HandlerOutput<P>>,
  ): ImplementedProcedure<Root, P, Path>;
}

/** Builds a contract's subscription. */
export interface ContractSubscriptionBuilder<
  Root extends AnyRootTypes,
  P extends ContractProcedure,
  Path extends string,
  Overrides,
> extends BuilderSteps<Root, P, Path, Overrides> {
  /** The handler gives an async iterable, such as an async generator makes, or a tRPC observable. */
  subscription(
    handler: (options: HandlerOptions<Root, P, Overrides>) => MaybePromise<ItemSource<ItemGiven<P>>>,
  ): ImplementedProcedure<Root, P, Path>;
}

/** Where a subscription's items come from. */
export type ItemSource<Item> = AsyncIterable<Item> | Observable<Item, unknown>;

/** The builder of one of a contract's procedures: tRPC's, with the schemas attached and one way to finish it. */
export type ContractBuilder<
  Root extends AnyRootTypes,
  P extends ContractProcedure,
  Path extends string,
  Overrides = object,
> = P["type"] extends "query"
  ? ContractQueryBuilder<Root, P, Path, Overrides>
  : P["type"] extends "mutation"
    ? ContractMutationBuilder<Root, P, Path, Overrides>
    : ContractSubscriptionBuilder<Root, P, Path, Overrides>;
