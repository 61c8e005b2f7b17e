import { Call, type CallDefinition, type CallOptions, type CallRuntime } from "./call.ts";
import type { TautlineError } from "./errors.ts";
import type { EventGap } from "./outgoing-call.ts";
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
export interface SubscribeCall extends CallDefinition {
  readonly options: SubscribeOptions;
}

/** Subscribes with callbacks where there is one, else with an iterator. */
export function subscribe(
  runtime: CallRuntime,
  definition: SubscribeCall,
): { unsubscribe(): void } | SubscriptionIterator {
  const { onStarted, onData, onError, onStopped, onComplete, onConnectionStateChange, onGap } = definition.options;
  const callbacks = [onStarted, onData, onError, onStopped, onComplete, onConnectionStateChange];
  if (callbacks.every((callback) => callback === undefined)) return iterate(runtime, definition);
  const unwatch = onConnectionStateChange && runtime.connection.subscribe?.(onConnectionStateChange);
  const call = new Call(runtime, definition, {
    onStarted: () => onStarted?.({ context: undefined }),
    onItem: (item, _id, take) => whenDone(onData, item, take),
    onGap,
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
      call.cancel();
    },
  };
}

function iterate(runtime: CallRuntime, definition: SubscribeCall): SubscriptionIterator {
  const { onGap, signal } = definition.options;
  const iterator = new SubscriptionIterator();
  const call = new Call(runtime, definition, {
    onItem: (item, _id, take) => iterator.push(item, take),
    onGap: (gap) => {
      iterator.mark();
      onGap?.(gap);
    },
    // Whoever aborts the loop leaves it, and what waits in it; that is no error of the loop's.
    onError: (error) => void (signal?.aborted === true ? iterator.return() : iterator.end(error)),
    onDone: () => iterator.end(),
  });
  iterator.onReturn = () => call.cancel();
  return iterator;
}

/** A callback that gives a promise has taken its item when that is settled. */
function whenDone(onData: SubscribeOptions["onData"], item: unknown, take: () => void): void {
  let done: unknown;
  try {
    done = onData?.(item);
  } finally {
    // Where it rejects, as where it throws: nobody catches it, and the subscription goes on.
    if (done instanceof Promise) void done.finally(take);
    else take();
  }
}
