import type {
  Contract,
  ContractProcedure,
  ErrorShape,
  inferContractInput,
  inferContractOutput,
  JsonUnsafePaths,
  TautlineError,
} from "@tautline/core";
import type {
  AnyTRPCClientTypes,
  AnyTRPCProcedure,
  AnyTRPCRouter,
  inferProcedureInput,
  inferTRPCClientTypes,
  inferTransformedProcedureOutput,
  TRPCRouterRecord,
} from "@trpc/server";
import type { CallOptions } from "./call.ts";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import type { InputCheck } from "./input-check.ts";
import type { ConnectionOptions } from "./options.ts";
import type { TransformerOption } from "./transformer.ts";

/** Makes a client. */
export interface CreateClient {
  /** A client of a contract. */
  <C extends Contract>(options: ContractClientOptions<C>): ContractClient<C>;
  /** A client of a tRPC router, by its type alone: `createClient<AppRouter>({ url })`. */
  <Router extends AnyTRPCRouter = never>(options: RouterClientOptions<Router>): RouterClient<Router>;
}

/** What a client of a contract is made from. The transformer is needed where the contract holds what JSON would change. */
export type ContractClientOptions<C extends Contract> = ConnectionOptions & {
  readonly contract: C;
  /** Checks input before it is sent: `checkInput` of this package. Default none: the server checks. */
  readonly checkInput?: InputCheck;
} & ([JsonUnsafePaths<C>] extends [never] ? Partial<NeededTransformer> : NeededTransformer);

/** What a client of a router is made from. The transformer is needed where the router has one, and refused elsewhere. */
export type RouterClientOptions<Router extends AnyTRPCRouter> = ConnectionOptions &
  RouterTransformer<inferTRPCClientTypes<Router>["transformer"]>;

type RouterTransformer<Has> = Has extends true ? NeededTransformer : RefusedTransformer;

interface NeededTransformer {
  /** The one that the server's `t` was created with, such as `rich`. */
  readonly transformer: TransformerOption;
}

interface RefusedTransformer {
  readonly transformer?: { readonly "the router was created without a transformer": never };
}

/** Every client has its connection; no top-level procedure can have that name. */
interface HasConnection {
  readonly connection: ClientConnection;
}

/** A contract's procedures, to be called by the names they have there. */
export type ContractClient<C extends Contract> = HasConnection & ContractCalls<C>;

type ContractCalls<C extends Contract> = {
  readonly [Name in keyof C]: C[Name] extends ContractProcedure
    ? ProcedureCalls<inferContractInput<C[Name]>, inferContractOutput<C[Name]>, ErrorShape>[C[Name]["type"]]
    : C[Name] extends Contract
      ? ContractCalls<C[Name]>
      : never;
};

/** A tRPC router's procedures, to be called by the names they have there, with the types that tRPC's client gives them. */
export type RouterClient<Router extends AnyTRPCRouter> = HasConnection &
  RouterCalls<inferTRPCClientTypes<Router>, Router["_def"]["record"]>;

type RouterCalls<Root extends AnyTRPCClientTypes, Record extends TRPCRouterRecord> = {
  readonly [Name in keyof Record]: Record[Name] extends infer Value
    ? Value extends AnyTRPCProcedure
      ? ProcedureCalls<
          inferProcedureInput<Value>,
          inferTransformedProcedureOutput<Root, Value>,
          ProcedureErrorShape<Root, Value>
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

/** What a procedure is called with, by its type. A subscription's output is its item, or an iterable of them. */
interface ProcedureCalls<Input, Output, Shape> {
  readonly query: QueryCall<Input, Output>;
  readonly mutation: MutationCall<Input, Output>;
  readonly subscription: SubscriptionCall<Input, ItemOf<Output>, Shape>;
}

type ItemOf<Output> = Output extends AsyncIterable<infer Item, unknown, unknown> ? Item : Output;

/** A query, to be called. Rejects with a {@link TautlineError}. */
export interface QueryCall<Input, Output> {
  readonly query: (input: Input, options?: CallOptions) => Promise<Output>;
}

/** A mutation, to be called. Rejects with a {@link TautlineError}. */
export interface MutationCall<Input, Output> {
  readonly mutate: (input: Input, options?: CallOptions) => Promise<Output>;
}

/** A subscription, to be called. */
export interface SubscriptionCall<Input, Item, Shape> {
  readonly subscribe: Subscribe<Input, Item, Shape>;
}

/** Subscribes: with one callback or more, or for `for await`. */
export interface Subscribe<Input, Item, Shape> {
  /** Calls back. Nothing is thrown: what goes wrong goes to `onError`. */
  (input: Input, options: SubscriptionOptions & SomeCallback<SubscribeCallbacks<Item, Shape>>): Unsubscribable;
  /** To be read once. Leaving the loop ends the subscription; what goes wrong is thrown in the loop. */
  (input: Input, options?: SubscriptionOptions & NoCallback): ItemIterator<Item>;
}

/** How a subscription is to be made. */
export interface SubscriptionOptions extends CallOptions {
  /**
   * Called when the subscription's session was lost and it was started anew with nothing to continue after: what the server sent in
   * between is missing. A subscription with tracked items continues after the last one instead.
   */
  readonly onGap?: () => void;
}

/** A subscription's items, to be read once. */
export interface ItemIterator<Item> extends AsyncIterableIterator<Item> {
  /** Whether something may be missing right before the item that was handed out last; see `onGap`. */
  readonly gap: boolean;
}

/** A subscription that was started with callbacks. */
export interface Unsubscribable {
  /** Ends it, on the server too. No callback is called any more. */
  unsubscribe(): void;
}

/** What a subscription calls back; the names are tRPC's. */
export interface SubscribeCallbacks<Item, Shape = ErrorShape> {
  /** The server has started it; again after it was started anew. */
  readonly onStarted: (options: { context: undefined }) => void;
  /** Where it gives a promise, the item has been taken when that settles: so much and no more is sent ahead of that. */
  readonly onData: (item: Item) => unknown;
  /** It is over, and why. */
  readonly onError: (error: ClientError<Shape>) => void;
  /** It is over: the server has no more items. */
  readonly onStopped: () => void;
  /** Called after `onStopped`. */
  readonly onComplete: () => void;
  readonly onConnectionStateChange: (state: ConnectionState) => void;
}

type CallbackName = keyof SubscribeCallbacks<unknown>;

type SomeCallback<Callbacks> = Partial<Callbacks> &
  { [Name in keyof Callbacks]: Pick<Callbacks, Name> }[keyof Callbacks];

type NoCallback = { readonly [Name in CallbackName]?: never };

/** An error with what the server's `errorFormatter` made of it; both are undefined where it does not come from the server. */
export type ClientError<Shape> = TautlineError & {
  readonly shape: Shape | undefined;
  readonly data: Shape extends { readonly data: infer Data } ? Data | undefined : unknown;
};

/** The error type of a router's client: `error as inferClientError<AppRouter>`. */
export type inferClientError<Router extends AnyTRPCRouter> = ClientError<inferTRPCClientTypes<Router>["errorShape"]>;
