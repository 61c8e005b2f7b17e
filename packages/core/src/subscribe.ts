import { Call, type CallHandlers, type CallOptions } from "./call.ts";
import type { Caller } from "./caller.ts";
import { TautlineError } from "./errors.ts";
import type { EventGap } from "./outgoing-calls.ts";
import { report } from "./report.ts";
import { SubscriptionIterator } from "./subscription-iterator.ts";

/** What `subscribe` takes, as in tRPC: callbacks, or none for an iterator. */
export interface SubscribeOptions extends CallOptions {
  readonly onStarted?: (options: { context: undefined }) => void;
  readonly onData?: (item: unknown) => unknown;
  readonly onError?: (error: TautlineError) => void;
  readonly onStopped?: () => void;
  readonly onComplete?: () => void;
  readonly onConnectionStateChange?: (state: unknown) => void;
  readonly onGap?: (gap?: EventGap) => void;
}

/** A subscription that is about to start. */
export interface SubscribeCall {
  readonly path: string;
  readonly input: unknown;
  /** The input's check, which may take its time; the subscription starts after it. */
  readonly checked: Promise<void> | undefined;
  readonly options: SubscribeOptions;
}

/** Subscribes with callbacks where there is one, else with an iterator. */
export function subscribe(caller: Caller, call: SubscribeCall): { unsubscribe(): void } | SubscriptionIterator {
  const { onStarted, onData, onError, onStopped, onComplete, onConnectionStateChange, onGap } = call.options;
  const callbacks = [onStarted, onData, onError, onStopped, onComplete, onConnectionStateChange];
  if (callbacks.every((callback) => callback === undefined)) return iterate(caller, call);
  const unwatch = onConnectionStateChange && caller.connection.subscribe?.(onConnectionStateChange);
  const stop = start(caller, call, {
    onStarted: () => onStarted?.({ context: undefined }),
    onItem: (item, _id, take) => whenDone(onData, item, take),
    onGap: (gap) => onGap?.(gap),
    onError: (error) => {
      unwatch?.();
      onError?.(error);
    },
    onDone: () => {
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

function iterate(caller: Caller, call: SubscribeCall): SubscriptionIterator {
  const iterator = new SubscriptionIterator();
  iterator.onReturn = start(caller, call, {
    onItem: (item, _id, take) => iterator.push(item, take),
    onGap: (gap) => {
      iterator.mark();
      call.options.onGap?.(gap);
    },
    // Whoever aborts the loop ends it; that is no error of the loop's.
    onError: (error) => iterator.end(call.options.signal?.aborted === true ? undefined : error),
    onDone: () => iterator.end(),
  });
  return iterator;
}

/** A callback that gives a promise has taken its item when that is settled. */
function whenDone(onData: SubscribeOptions["onData"], item: unknown, take: () => void): void {
  let done: unknown;
  try {
    done = onData?.(item);
  } finally {
    if (done instanceof Promise) done.then(take, (error: unknown) => onFailed(error, take));
    else take();
  }
}

/** As where it throws: it is uncaught, and the subscription goes on. */
function onFailed(error: unknown, take: () => void): void {
  take();
  report(() => {
    throw error;
  });
}

/** Starts when the input is checked. Returns what ends it, whether it has started or not. */
function start(caller: Caller, { path, input, checked, options }: SubscribeCall, handlers: CallHandlers): () => void {
  let call: Call | undefined;
  let stopped = false;
  const begin = (): void => {
    if (!stopped) call = new Call(caller, { type: "subscription", path, input, options }, handlers);
  };
  if (checked === undefined) begin();
  else checked.then(begin, (thrown: unknown) => handlers.onError(TautlineError.from(thrown)));
  return () => {
    stopped = true;
    call?.cancel();
  };
}
