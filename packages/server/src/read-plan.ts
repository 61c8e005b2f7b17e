import type { Closable } from "./broker.ts";
import type { PositionList } from "./event-id.ts";
import type { Gap } from "./gap.ts";
import type { KeyFeed } from "./key-feed.ts";
import type { SlowPolicy } from "./slow-policy.ts";
import type { ItemCheck } from "./subscription-items.ts";

/** What an event is known by. */
export interface EventInfo {
  readonly id: string;
  readonly key: string;
}

/** What is done with each event on its way. */
export type Stage =
  | { readonly kind: "filter"; readonly passes: (data: unknown, event: EventInfo) => boolean }
  | { readonly kind: "map"; readonly map: (data: unknown, event: EventInfo) => unknown };

/** What is to be read of a topic, and how. */
export interface ReadPlan {
  /** Sorted, each once. */
  readonly keys: readonly string[];
  /** Undefined where there is one key. */
  readonly list: PositionList | undefined;
  /** The id to go on after, unless whoever reads has another. */
  readonly after: string | undefined;
  readonly stages: readonly Stage[];
  readonly check: ItemCheck | undefined;
  readonly policy: SlowPolicy;
  readonly snapshot: ((at: string) => unknown) | undefined;
  readonly onGap: ((gap: Gap) => unknown) | undefined;
  readonly signal: AbortSignal | undefined;
  /** @throws TautlineError `CONNECTION_CLOSED` where the hub is closed. */
  feed(key: string): KeyFeed;
  /** Shows who reads, where that is wanted. */
  join(): Closable | undefined;
}

/** How a reading begins. */
export interface ReadStart {
  /** Where: a later reading can go on after it, if nothing comes of this one. */
  readonly id: string;
  /** Whether nothing is missing after the id to go on after; undefined where there was none. */
  readonly recovered: boolean | undefined;
}

/** Who reads. */
export interface ReadReceiver {
  /** Once, before there is anything to take. */
  onStarted(start: ReadStart): void;
  /** There may be something to take, after there was nothing. */
  onReady(): void;
  /** Once: it is over, by an error where there is one. Not called after `close`. */
  onEnded(error: unknown): void;
}
