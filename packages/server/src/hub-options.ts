import type { Schema } from "@tautline/core";
import type { Clock } from "@tautline/core/internals";
import type { Broker, HistoryLimits } from "./broker.ts";
import type { EventTransformer } from "./event-codec.ts";
import type { Gap } from "./gap.ts";
import type { SlowPolicy } from "./slow-policy.ts";

/** The options of `createHub`. */
export interface HubOptions {
  /** Where events are kept, and how they reach other nodes. Closed with the hub. Default `memoryBroker()`: this process alone. */
  readonly broker?: Broker;
  /** What events are written with; the same on all nodes. Default `rich`. */
  readonly transformer?: EventTransformer;
  /** How long a publish waits for a broker that is away, in ms. Default 5,000. Off: 0. For as long as it takes: `Infinity`. */
  readonly publishWaitMs?: number;
  /** The longest event, as it is written, in bytes. Default 512 KiB. Clients take no more than their server's `maxFrameBytes`. */
  readonly maxEventBytes?: number;
  /** For how long a node that is not heard of counts as there, in ms: its members, its connections. Default 30,000. */
  readonly leaseMs?: number;
  /** Hears of what goes wrong where nobody waits for it. What it throws is left out. Default: `console.error`. Off: `() => {}`. */
  readonly onError?: (error: unknown) => void;
  /** Time, for tests. Default the system's. */
  readonly clock?: Clock;
}

/** What a topic's members are read with. Their ids tell them apart. */
export type MemberSchema = Schema<unknown, { readonly id: string }>;

/** The options of `hub.topic`, the same on all nodes. */
export interface TopicOptions<M extends MemberSchema = MemberSchema> {
  /**
   * How much of each key is kept, for those who come back and for `history`; the oldest go first. Default
   * `{ maxEvents: 1_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 }`; each `Infinity` for no limit. Off: `false`.
   */
  readonly history?: Partial<HistoryLimits> | false;
  /**
   * What is kept of each key, once on each node, for subscribers that do not keep up. Over it the older half is let go. Default
   * `{ maxEvents: 1_000, maxBytes: 1024 * 1024 }`.
   */
  readonly buffer?: { readonly maxEvents?: number; readonly maxBytes?: number };
  /** What becomes of these, unless their subscription says otherwise. Default `"buffer"`. */
  readonly policy?: SlowPolicy;
  /** Checks who is shown by `presence`. Default: `{ id }`, a string. */
  readonly member?: M;
}

/** The options of `topic.publish`. */
export interface PublishEventOptions {
  /** An event that is published again with the same, to the same key, within two minutes is the first one. Default: none. */
  readonly dedupeId?: string;
}

/** The options of `topic.history`. */
export interface HistoryOptions {
  /** The events after this id, from the oldest on. Default: the newest of all. */
  readonly after?: string | undefined;
  /** The events before this id. */
  readonly before?: string | undefined;
  /** So many at most. Default 100; no more than 10,000, nor than 8 MiB. */
  readonly limit?: number;
}

/** The options of `topic.subscribe`. */
export interface SubscribeEventsOptions<Member = unknown, Snapshot = unknown, Told = unknown> {
  /**
   * Begin with what came after this id. Over Tautline a subscription that is started again does so by itself; under tRPC's adapters,
   * and where a middleware makes another iterable of it (that of `.errors()` does), hand in `input.lastEventId`. Default: with what comes.
   */
  readonly after?: string | null | undefined;
  /**
   * Gives what subscribers get first: a state that has all events up to the id `at`, and none after it. Taken in one turn with `at`
   * where it is synchronous; one that is asynchronous has to know what it is of, and gives `tracked(id, state)`: then events follow
   * from there. Taken again after a gap (with `"latest"`: where there is no newer event to give), and not where a subscription goes on
   * without one. One that is of the same again, after which history has nothing, is followed from now on.
   */
  readonly snapshot?: (at: string) => Snapshot;
  /** Called with each gap; what it gives, if anything, is an item in that place, and what it throws ends the subscription. */
  readonly onGap?: (gap: Gap) => Told;
  /**
   * Where events come faster than they are taken: `"buffer"`: so many wait, then the older half is a gap. `"latest"`: the newest of
   * each key alone, what is skipped is a gap. `"close"`: as buffer, but then the subscription ends with `TOO_MANY_REQUESTS`.
   * Default: the topic's.
   */
  readonly policy?: SlowPolicy;
  /** Who is shown by `presence` for as long as the subscription lasts. Default: nobody. */
  readonly as?: Member;
  /** Ends the iteration. What a procedure returns needs none. */
  readonly signal?: AbortSignal | undefined;
}

/** What a topic is held to, defaults filled in. */
export interface TopicLimits {
  readonly history: HistoryLimits;
  readonly buffer: { readonly maxEvents: number; readonly maxBytes: number };
  readonly policy: SlowPolicy;
}

export function topicLimits({ history = {}, buffer = {}, policy = "buffer" }: TopicOptions): TopicLimits {
  const kept = history === false ? { maxEvents: 0 } : history;
  return { history: historyLimits(kept), buffer: bufferLimits(buffer), policy };
}

function historyLimits({
  maxEvents = 1_000,
  maxAgeMs = 3_600_000,
  maxBytes = 1024 * 1024,
}: Partial<HistoryLimits>): HistoryLimits {
  return { maxEvents, maxAgeMs, maxBytes };
}

function bufferLimits({
  maxEvents = 1_000,
  maxBytes = 1024 * 1024,
}: Partial<TopicLimits["buffer"]>): TopicLimits["buffer"] {
  return { maxEvents, maxBytes };
}

export const defaultPublishWaitMs = 5_000;
export const defaultMaxEventBytes: number = 512 * 1024;
export const defaultLeaseMs = 30_000;
/** The longest key, in UTF-16 units. */
export const maxKeyLength = 512;
/** The longest id of a member, in UTF-16 units: a broker may have a name for each. */
export const maxMemberIdLength = 256;
/** Keys of one subscription: its items' ids grow with them. */
export const maxKeys = 100;
/** What `topic.history` gives at a time, in events and bytes. */
export const defaultHistoryLimit = 100;
export const maxHistoryLimit = 10_000;
export const maxHistoryBytes: number = 8 * 1024 * 1024;
