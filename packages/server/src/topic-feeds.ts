import type { Deadlines } from "@tautline/core/internals";
import type { BrokerTopic, Closable } from "./broker.ts";
import type { EventCodec } from "./event-codec.ts";
import type { TopicLimits } from "./hub-options.ts";
import { type FeedHost, KeyFeed } from "./key-feed.ts";
import type { PresenceGroups } from "./presence.ts";
import type { ReadTopic } from "./read-plan.ts";
import type { SlowPolicy } from "./slow-policy.ts";

export interface TopicFeedsOptions {
  readonly log: BrokerTopic;
  readonly codec: EventCodec;
  readonly deadlines: Deadlines;
  readonly buffer: TopicLimits["buffer"];
  readonly policy: SlowPolicy;
  readonly presence: PresenceGroups;
}

/** What readings of a topic share: the feeds of the keys that have subscribers on this node. */
export class TopicFeeds implements FeedHost, ReadTopic {
  readonly log: BrokerTopic;
  readonly codec: EventCodec;
  readonly deadlines: Deadlines;
  readonly buffer: TopicLimits["buffer"];
  readonly policy: SlowPolicy;
  readonly #presence: PresenceGroups;
  readonly #feeds = new Map<string, KeyFeed>();
  #arrivals = 0;

  constructor({ log, codec, deadlines, buffer, policy, presence }: TopicFeedsOptions) {
    this.log = log;
    this.codec = codec;
    this.deadlines = deadlines;
    this.buffer = buffer;
    this.policy = policy;
    this.#presence = presence;
  }

  /** Keys that have subscribers. */
  get size(): number {
    return this.#feeds.size;
  }

  /** The feed of a key. Whoever asks adds a cursor to it, or else it stays. */
  feed(key: string): KeyFeed {
    const feed = this.#feeds.get(key) ?? new KeyFeed(key, this);
    this.#feeds.set(key, feed);
    return feed;
  }

  join(keys: readonly string[], as: unknown): Closable {
    return this.#presence.join(keys, as);
  }

  nextArrival(): number {
    return ++this.#arrivals;
  }

  onUnused(feed: KeyFeed): void {
    this.#feeds.delete(feed.key);
  }

  /** Ends every subscription. */
  fail(error: unknown): void {
    for (const feed of this.#feeds.values()) feed.fail(error);
    this.#presence.fail(error);
  }
}
