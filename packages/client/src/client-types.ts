import type { Contract, ErrorShape, JsonUnsafePaths, StreamPaths } from "@tautline/core";
import type * as core from "@tautline/core/internals";
import type {
  AnyTRPCClientTypes,
  AnyTRPCProcedure,
  AnyTRPCRouter,
  inferProcedureInput,
  inferTRPCClientTypes,
  inferTransformedProcedureOutput,
  TRPCRouterRecord,
} from "@trpc/server";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import type { ConnectionOptions } from "./options.ts";
import type { StreamsOption } from "./streams.ts";

/** Makes a client. */
export interface CreateClient {
  /** A client of a contract. */
  <C extends Contract, Given = unknown>(options: ContractClientOptions<C, Given>): ContractClient<C>;
  /** A client of a tRPC router, by its type alone: `createClient<AppRouter>({ url })`. */
  <Router extends AnyTRPCRouter = never, Inferred = unknown>(
    options: RouterClientOptions<Router> & Inferred,
    ...none: IfNamed<Inferred>
  ): RouterClient<Router>;
}

/**
 * Nothing where the router is named. Else one argument too much: a call that does not fit by the number of its arguments is left out
 * when the compiler reports a mistake in a contract's options, which it can then do on the line of the mistake.
 */
type IfNamed<Inferred> = unknown extends Inferred ? [] : [never];

/**
 * What a client of a contract is made from. The transformer is needed where the contract holds what JSON would change, `streams` where
 * it holds streams.
 *
 * @typeParam Given the transformer, where it is known. Then nobody looks through the contract for what JSON would change, which takes the
 * compiler about as long as all calls do. It stands in a property of its own, so that one that is written in its place has the types of its
 * parameters from the other.
 */
export type ContractClientOptions<C extends Contract, Given = unknown> = ConnectionOptions & {
  readonly contract: C;
  /** Checks input before it is sent: `checkInput` of this package. Default none: the server checks. */
  readonly checkInput?: core.InputCheck;
  /** The one that the server's `t` was created with, such as `rich`. */
  readonly transformer?: core.TransformerOption;
} & { readonly transformer?: Given } & (undefined extends Given ? ContractTransformer<JsonUnsafePaths<C>> : object) &
  ([StreamPaths<C>] extends [never] ? object : NeededStreams);

type ContractTransformer<Unsafe> = [Unsafe] extends [never] ? object : NeededTransformer;

/** What a client of a router is made from. The transformer is needed where the router has one, and refused elsewhere. */
export type RouterClientOptions<Router extends AnyTRPCRouter> = ConnectionOptions &
  RouterTransformer<inferTRPCClientTypes<Router>["transformer"]>;

type RouterTransformer<Has> = Has extends true ? NeededTransformer : RefusedTransformer;

interface NeededTransformer {
  /** The one that the server's `t` was created with, such as `rich`. */
  readonly transformer: core.TransformerOption;
}

interface NeededStreams {
  /** Carries the contract's streams: `streams` of this package. */
  readonly streams: StreamsOption;
}

interface RefusedTransformer {
  readonly transformer?: { readonly "the router was created without a transformer": never };
}

/** Every client has its connection; a top-level procedure of that name cannot be called. */
interface HasConnection {
  readonly connection: ClientConnection;
}

/** What a client's subscriptions call back besides. */
export interface ConnectionCallbacks {
  readonly onConnectionStateChange: (state: ConnectionState) => void;
}

/** A contract's procedures, to be called by the names they have there. */
export type ContractClient<C extends Contract> = HasConnection & core.ContractCalls<C, ConnectionCallbacks>;

/** A tRPC router's procedures, to be called by the names they have there, with the types that tRPC's client gives them. */
export type RouterClient<Router extends AnyTRPCRouter> = HasConnection &
  RouterCalls<inferTRPCClientTypes<Router>, Omit<Router["_def"]["record"], "connection">>;

type RouterCalls<Root extends AnyTRPCClientTypes, Record extends TRPCRouterRecord> = {
  readonly [Name in keyof Record]: Record[Name] extends infer Value
    ? Value extends AnyTRPCProcedure
      ? core.ProcedureCalls<
          inferProcedureInput<Value>,
          inferTransformedProcedureOutput<Root, Value>,
          ProcedureErrorShape<Root, Value>,
          ConnectionCallbacks
        >[Value["_def"]["type"]]
      : Value extends TRPCRouterRecord
        ? RouterCalls<Root, Value>
        : never
    : never;
};

/** A procedure's own error shapes where it has any (tRPC from 11.20 on: `.errors()`), else the router's. */
type ProcedureErrorShape<Root extends AnyTRPCClientTypes, P extends AnyTRPCProcedure> = P["_def"]["$types"] extends {
  readonly errorShape: infer Shape;
}
  ? unknown extends Shape
    ? Root["errorShape"]
    : Shape
  : Root["errorShape"];

/** A subscription, to be called. */
export type SubscriptionCall<Input, Item, Shape> = core.SubscriptionCall<Input, Item, Shape, ConnectionCallbacks>;

/** Subscribes: with one callback or more, or for `for await`. */
export type Subscribe<Input, Item, Shape> = core.Subscribe<Input, Item, Shape, ConnectionCallbacks>;

/** What a subscription calls back; the names are tRPC's. */
export type SubscribeCallbacks<Item, Shape = ErrorShape> = core.SubscribeCallbacks<Item, Shape> & ConnectionCallbacks;

/** The error type of a router's client: `error as inferClientError<AppRouter>`. */
export type inferClientError<Router extends AnyTRPCRouter> = core.CallError<inferTRPCClientTypes<Router>["errorShape"]>;
