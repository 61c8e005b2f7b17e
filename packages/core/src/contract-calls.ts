import type { CallOptions } from "./call.ts";
import type { Contract, ContractProcedure, inferContractInput, inferContractOutput } from "./contract.ts";
import type { ErrorShape, TautlineError } from "./errors.ts";
import type { EventGap } from "./outgoing-call.ts";

/**
 * A contract's procedures, to be called by the names they have there.
 *
 * @typeParam More callbacks that a subscription has besides {@link SubscribeCallbacks}.
 */
export type ContractCalls<C extends Contract, More extends object = object> = {
  readonly [Name in keyof C]: C[Name] extends ContractProcedure
    ? ProcedureCalls<inferContractInput<C[Name]>, inferContractOutput<C[Name]>, ErrorShape, More>[C[Name]["type"]]
    : C[Name] extends Contract
      ? ContractCalls<C[Name], More>
      : never;
};

/** What a procedure is called with, by its type. A subscription's output is its item, or an iterable of them. */
export interface ProcedureCalls<Input, Output, Shape, More extends object = object> {
  readonly query: QueryCall<Input, Output>;
  readonly mutation: MutationCall<Input, Output>;
  readonly subscription: SubscriptionCall<Input, ItemOf<Output>, Shape, More>;
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
export interface SubscriptionCall<Input, Item, Shape, More extends object = object> {
  readonly subscribe: Subscribe<Input, Item, Shape, More>;
}

/** Subscribes: with one callback or more, or for `for await`. */
export interface Subscribe<Input, Item, Shape, More extends object = object> {
  /** Calls back. Nothing is thrown: what goes wrong goes to `onError`. */
  (input: Input, options: SubscriptionOptions & SomeCallback<SubscribeCallbacks<Item, Shape> & More>): Unsubscribable;
  /** To be read once. Leaving the loop ends the subscription; what goes wrong is thrown in the loop. */
  (
    input: Input,
    options?: SubscriptionOptions & NoCallback<SubscribeCallbacks<Item, Shape> & More>,
  ): ItemIterator<Item>;
}

/** How a subscription is to be made. */
export interface SubscriptionOptions extends CallOptions {
  /**
   * Called when the subscription's session was lost and it was started anew with nothing to continue after: what was sent in between
   * is missing. A subscription with tracked items continues after the last one instead.
   */
  readonly onGap?: (gap?: EventGap) => void;
}

/** A subscription's items, to be read once. */
export interface ItemIterator<Item> extends AsyncIterableIterator<Item> {
  /** Whether something may be missing right before the item that was handed out last; see `onGap`. */
  readonly gap: boolean;
}

/** A subscription that was started with callbacks. */
export interface Unsubscribable {
  /** Ends it, at the other end too. No callback is called any more. */
  unsubscribe(): void;
}

/** What a subscription calls back; the names are tRPC's. */
export interface SubscribeCallbacks<Item, Shape = ErrorShape> {
  /** The other end has started it; again after it was started anew. */
  readonly onStarted: (options: { context: undefined }) => void;
  /**
   * Where it gives a promise, the item has been taken when that settles: so much and no more is sent ahead of that. What it throws, or
   * its promise rejects with, is uncaught (in Node that ends a process which does not see to it), and the subscription goes on.
   */
  readonly onData: (item: Item) => unknown;
  /** It is over, and why. */
  readonly onError: (error: CallError<Shape>) => void;
  /** It is over: there are no more items. */
  readonly onStopped: () => void;
  /** Called after `onStopped`. */
  readonly onComplete: () => void;
}

type SomeCallback<Callbacks> = Partial<Callbacks> &
  { [Name in keyof Callbacks]: Pick<Callbacks, Name> }[keyof Callbacks];

type NoCallback<Callbacks> = { readonly [Name in keyof Callbacks]?: never };

/** An error with what the callee's `errorFormatter` made of it; both are undefined where it does not come from there. */
export type CallError<Shape> = TautlineError & {
  readonly shape: Shape | undefined;
  readonly data: Shape extends { readonly data: infer Data } ? Data | undefined : unknown;
};
