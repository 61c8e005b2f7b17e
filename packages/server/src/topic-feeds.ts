import type { Deadlines } from "@tautline/core/internals";
import type { BrokerTopic } from "./broker.ts";
import type { EventCodec } from "./event-codec.ts";
import { type FeedHost, KeyFeed } from "./key-feed.ts";
import type { TopicLimits } from "./options.ts";

export interface TopicFeedsOptions {
  readonly log: BrokerTopic;
  readonly codec: EventCodec;
  readonly deadlines: Deadlines;
  readonly buffer: TopicLimits["buffer"];
}

/** The feeds of a topic's keys that have subscribers on this node. */
export class TopicFeeds implements FeedHost {
  readonly log: BrokerTopic;
  readonly codec: EventCodec;
  readonly deadlines: Deadlines;
  readonly buffer: TopicLimits["buffer"];
  readonly #feeds = new Map<string, KeyFeed>();
  #arrivals = 0;

  constructor({ log, codec, deadlines, buffer }: TopicFeedsOptions) {
    this.log = log;
    this.codec = codec;
    this.deadlines = deadlines;
    this.buffer = buffer;
  }

  /** Keys that have subscribers. */
  get size(): number {
    return this.#feeds.size;
  }

  /** The feed of a key. Whoever asks adds a cursor to it, or else it stays. */
  get(key: string): KeyFeed {
    const feed = this.#feeds.get(key) ?? new KeyFeed(key, this);
    this.#feeds.set(key, feed);
    return feed;
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
  }
}
