/**
 * What one run came to, written by those who call, serve and read, not by the library: a handler at its entry and exit, a producer
 * before it gives an item, a consumer when it gets one. Names are the writer's own: a call's is handed along in its input, a run's
 * in its items.
 */
export type HistoryEntry = { readonly at: number } /** A client makes a call. */ & (
  | {
      readonly type: "called";
      readonly call: string;
      readonly client: string;
      readonly kind: CallKind;
      /** What a subscription to a topic follows. */
      readonly follows?: Following;
    }
  /** A call has settled: `"ok"`, `"cancelled"` (by the caller), or with an error's code. */
  | { readonly type: "settled"; readonly call: string; readonly outcome: string; readonly run?: string }
  /** A handler is started. `client` is whose context it got; `after` the position that it was asked to continue after. */
  | {
      readonly type: "entered";
      readonly call: string;
      readonly client: string;
      readonly run: string;
      readonly after?: number;
      /** The same of each key of a subscription to a topic. */
      readonly places?: readonly number[];
    }
  /** A handler is done: it has returned, thrown, or was stopped. */
  | { readonly type: "left"; readonly run: string; readonly how: "returned" | "thrown" | "stopped" }
  /** A handler is about to give an item. `length` is about that of its text; `end` the newest event of all topics. */
  | {
      readonly type: "emitted";
      readonly run: string;
      readonly position: number;
      readonly length: number;
      readonly end?: number;
    }
  /** That item has been sent; what is published after `end` is sent after it. */
  | { readonly type: "passed"; readonly run: string; readonly position: number; readonly end: number }
  /** The consumer of `call` got an item, which says itself which run gave it. */
  | { readonly type: "received"; readonly call: string; readonly run: string; readonly position: number }
  /** The consumer was told that items may be missing before the next: events after `from` and up to `to` of each key, where that is known. */
  | { readonly type: "gap"; readonly call: string; readonly from?: readonly number[]; readonly to?: readonly number[] }
  /** The consumer was told that its subscription has started. */
  | { readonly type: "started"; readonly call: string }
  /** A subscription to a topic may have begun as late as after this event. */
  | { readonly type: "opened"; readonly call: string; readonly position: number }
  /** What is kept of the topics' events: of each key, and for subscribers that are behind. */
  | { readonly type: "topics"; readonly historyEvents: number; readonly bufferEvents: number }
  /** An event is about to be published. Positions are those of all keys, and grow. */
  | { readonly type: "published"; readonly key: string; readonly position: number; readonly length: number }
  /** All that a broker keeps of a key is lost, and its epoch is over. What comes of it later is after `position`. */
  | { readonly type: "lost"; readonly key: string; readonly position: number }
  /** History has the key's events up to `position` no more. */
  | { readonly type: "trimmed"; readonly key: string; readonly position: number }
  /** The consumer of `call` got a snapshot, of where its id says it is in each key: so many events of each are in it. */
  | {
      readonly type: "snapshot";
      readonly call: string;
      readonly counts: readonly number[];
      readonly id: readonly number[];
    }
  /** The consumer of `call` got an event, which says itself which it is. `id` has its id's position in each key, where that was shown. */
  | {
      readonly type: "event";
      readonly call: string;
      readonly key: string;
      readonly position: number;
      readonly length: number;
      readonly id?: readonly number[];
    }
  /** Nothing was published for long enough: whoever follows a key has all of it. */
  | { readonly type: "quiet" }
  /** All along there was so little of everything that no subscription that takes events as they are had to wait. */
  | { readonly type: "calm" }
  /** Something outside happened for which a session of this client may be lost. `until` then its client did not know of it; default `at`. */
  | {
      readonly type: "excuse";
      readonly client: string;
      readonly why: string;
      readonly until?: number;
      /** The client had not been welcomed, so it does not know of a store either. */
      readonly early?: boolean;
    }
  /** How much of something there is, and how much of it there may be. */
  | { readonly type: "measured"; readonly what: string; readonly amount: number; readonly most: number }
);

/**
 * A mutation is `idempotent` where it may be sent again, `remembered` where a store has its outcome: neither ends in
 * `OUTCOME_UNKNOWN`. A subscription is `tracked` where it continues after the last position, `untracked` where it starts anew; one
 * that is to a `topic` follows a key.
 */
export type CallKind = "query" | "mutation" | "idempotent" | "remembered" | "tracked" | "untracked" | "topic";

/** What a subscription to a topic is to get. */
export interface Following {
  /** Sorted, as they are in ids. */
  readonly keys: readonly string[];
  /** Of the keys' events those whose positions are multiples of it. */
  readonly every: number;
  readonly policy: "buffer" | "latest" | "close";
  /** Whether its events are as they were published, and nothing but credit and the connection holds them back. */
  readonly prompt: boolean;
  /** Whether a snapshot comes first, only after a gap, or never. */
  readonly snapshot: "first" | "after a gap" | "none";
}

type Fields<Type extends HistoryEntry["type"]> = Omit<Extract<HistoryEntry, { type: Type }>, "type" | "at">;

/** Takes entries with the time at which they were made. */
export class History {
  readonly entries: HistoryEntry[] = [];
  readonly #now: () => number;

  /** @param clock whose time it is. */
  constructor(clock: { now(): number }) {
    this.#now = () => clock.now();
  }

  /** @param at for what was found out later. Default now. */
  add<Type extends HistoryEntry["type"]>(type: Type, fields: Fields<Type>, at: number = this.#now()): void {
    // Fields are those of the type, which TypeScript does not see through `Extract`.
    this.entries.push({ at, type, ...fields } as unknown as HistoryEntry);
  }
}
