import type { Closable } from "./broker.ts";
import type { PositionList } from "./event-id.ts";
import type { SubscribeEventsOptions } from "./hub-options.ts";
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

/** What readings of a topic share. */
export interface ReadTopic {
  readonly policy: SlowPolicy;
  /** @throws TautlineError `SERVICE_UNAVAILABLE` where the hub is closed. */
  feed(key: string): KeyFeed;
  /** Shows who reads. @throws SchemaError where it is nobody that fits. */
  join(keys: readonly string[], as: unknown): Closable;
}

/** How a topic is to be read, as its reader says. */
export type ReadOptions = SubscribeEventsOptions<unknown, unknown, unknown>;

/** What is to be read of a topic, and how. Small: one is kept for each subscription. */
export class ReadPlan {
  readonly topic: ReadTopic;
  /** Sorted, each once. */
  readonly keys: readonly string[];
  /** Undefined where there is one key. */
  readonly list: PositionList | undefined;
  readonly options: ReadOptions;
  readonly stages: readonly Stage[];
  readonly check: ItemCheck | undefined;

  constructor({ topic, keys, list, options, stages, check }: ReadPlanParts) {
    this.topic = topic;
    this.keys = keys;
    this.list = list;
    this.options = options;
    this.stages = stages;
    this.check = check;
  }

  get policy(): SlowPolicy {
    return this.options.policy ?? this.topic.policy;
  }

  /** The same with another stage after the others. */
  withStage(stage: Stage): ReadPlan {
    return new ReadPlan({ ...partsOf(this), stages: [...this.stages, stage] });
  }

  withCheck(check: ItemCheck): ReadPlan {
    return new ReadPlan({ ...partsOf(this), check });
  }

  /** Shows who reads, where that is wanted. */
  join(): Closable | undefined {
    const { as } = this.options;
    return as === undefined ? undefined : this.topic.join(this.keys, as);
  }
}

type ReadPlanParts = Pick<ReadPlan, "topic" | "keys" | "list" | "options" | "stages" | "check">;

function partsOf({ topic, keys, list, options, stages, check }: ReadPlan): ReadPlanParts {
  return { topic, keys, list, options, stages, check };
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
