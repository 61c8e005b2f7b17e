import { TautlineError } from "@tautline/core";
import type { Caller, CallerOptions } from "./caller.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { Subscription, SubscriptionCallbacks } from "./subscription.ts";
import { SubscriptionIterator } from "./subscription-iterator.ts";

/** What `subscribe` takes, as in tRPC: callbacks, or none for an iterator. */
export interface SubscribeOptions extends CallerOptions {
  readonly onStarted?: (options: { context: undefined }) => void;
  readonly onData?: (item: unknown) => void;
  readonly onError?: (error: TautlineError) => void;
  readonly onStopped?: () => void;
  readonly onComplete?: () => void;
  readonly onConnectionStateChange?: (state: ConnectionState) => void;
}

/** A subscription that is about to start. */
export interface SubscribeCall {
  readonly path: string;
  readonly input: unknown;
  /** The input's check, which may take its time; the subscription starts after it. */
  readonly checked: Promise<void> | undefined;
  /** Whether an item with an id is handed over as `{ id, data }`. */
  readonly tracked: boolean;
}

const callbackNames = [
  "onStarted",
  "onData",
  "onError",
  "onStopped",
  "onComplete",
  "onConnectionStateChange",
] as const satisfies readonly (keyof SubscribeOptions)[];

/** Subscribes with callbacks where there is one, else with an iterator. */
export function subscribe(
  caller: Caller,
  call: SubscribeCall,
  options: SubscribeOptions,
): { unsubscribe(): void } | SubscriptionIterator {
  const hasCallback = callbackNames.some((name) => typeof options[name] === "function");
  return hasCallback ? subscribeWithCallbacks(caller, call, options) : iterate(caller, call, options);
}

function subscribeWithCallbacks(caller: Caller, call: SubscribeCall, options: SubscribeOptions): { unsubscribe(): void } {
  const { onStarted, onData, onError, onStopped, onComplete, onConnectionStateChange } = options;
  const unwatch = onConnectionStateChange && caller.connection.subscribe(onConnectionStateChange);
  const stop = start(caller, call, options, {
    onStarted: () => onStarted?.({ context: undefined }),
    onItem: (item, eventId) => onData?.(wrap(item, eventId, call.tracked)),
    onError: (error) => {
      unwatch?.();
      onError?.(error);
    },
    onStopped: () => {
      unwatch?.();
      onStopped?.();
      onComplete?.();
    },
  });
  return {
    unsubscribe: () => {
      unwatch?.();
      stop();
    },
  };
}

function iterate(caller: Caller, call: SubscribeCall, options: CallerOptions): SubscriptionIterator {
  const iterator = new SubscriptionIterator();
  iterator.onReturn = start(caller, call, options, {
    onItem: (item, eventId) => iterator.push(wrap(item, eventId, call.tracked)),
    onError: (error) => iterator.end(options.signal?.aborted === true ? undefined : error),
    onStopped: () => iterator.end(),
  });
  return iterator;
}

/** Starts when the input is checked. Returns what ends it, whether it has started or not. */
function start(
  caller: Caller,
  { path, input, checked }: SubscribeCall,
  options: CallerOptions,
  callbacks: SubscriptionCallbacks,
): () => void {
  let subscription: Subscription | undefined;
  let stopped = false;
  const begin = (): void => {
    if (!stopped) subscription = caller.subscribe(path, input, callbacks, options);
  };
  if (checked === undefined) begin();
  else checked.then(begin, (thrown: unknown) => callbacks.onError?.(TautlineError.from(thrown)));
  return () => {
    stopped = true;
    subscription?.cancel();
  };
}

function wrap(item: unknown, eventId: string | undefined, tracked: boolean): unknown {
  return tracked && eventId !== undefined ? { id: eventId, data: item } : item;
}
