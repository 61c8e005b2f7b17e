/**
 * Where an event is in its key's log.
 *
 * Offsets are safe integers from 0 that grow with each event of a key, not always by one; 0 is before the first. Those of two epochs
 * cannot be compared: an epoch ends when a log is lost (flushed, replaced, restarted without what it knew).
 */
export interface Position {
  /** 1 to 64 characters of `A–Z a–z 0–9 _ -`. */
  readonly epoch: string;
  readonly offset: number;
}

/** An event as a broker keeps and carries it. */
export interface StoredEvent {
  readonly position: Position;
  /** Opaque; any string without lone surrogates. */
  readonly text: string;
}

/** Events after `from` and up to `to` may be missing: they are no longer kept, or went with their epoch. What comes next is after `to`. */
export interface PositionGap {
  readonly from: Position;
  readonly to: Position;
}

/** How much of each key's log is kept; the oldest go first. What is out of the limits need not go at once. */
export interface HistoryLimits {
  /** `Infinity`: as many as there are. 0: none, events are only carried. */
  readonly maxEvents: number;
  /** `Infinity`: for good. */
  readonly maxAgeMs: number;
  /** Of their texts, in UTF-8. `Infinity`: no matter how many. */
  readonly maxBytes: number;
}

/** Which events to read. Without `after` and `before`: the newest. */
export interface HistoryQuery {
  /** Those that follow a position, the oldest of them first. */
  readonly after?: Position | undefined;
  /** The newest of those before a position; together with `after` the oldest between the two. */
  readonly before?: Position | undefined;
  /** So many at most. */
  readonly limit: number;
  /** The page ends before the event with which its texts would be longer than this; one event is in it whatever its length. */
  readonly maxBytes: number;
}

/** What a key's log has. */
export interface HistoryPage {
  /** Oldest first. */
  readonly events: readonly StoredEvent[];
  /**
   * With `after`: what is missing between that position and the first of `events`. It is there also where nobody knows any more
   * whether something is missing; never where the events after the position are all there.
   */
  readonly gap: PositionGap | undefined;
  /** How far the page goes: to the last of `events` where a limit has cut it, and else to the end of the log as it was just now. */
  readonly end: Position;
}

export interface PublishOptions {
  /**
   * The same id is stored once for a key (for two minutes at least): publishing it again gives the position of the first. Left out:
   * the event is stored, once however often the broker itself has to try.
   */
  readonly id?: string | undefined;
  /** How long to wait for a broker that is away, in ms. 0: not at all. */
  readonly waitMs: number;
}

/** What a follower hears. It must not throw. */
export interface FollowListener {
  /** The follow stands, once: what comes is after this position. May come before `follow` has returned. */
  onStarted(at: Position): void;
  /** Each event after `onStarted`'s position once, in the order of the log; also after the broker was away. */
  onEvent(event: StoredEvent): void;
  /** The broker was away, or has lost the log, and does not have all that has come meanwhile. */
  onGap(gap: PositionGap): void;
}

/** Something that goes on until it is closed. Closing is idempotent; nothing is heard after it. */
export interface Closable {
  close(): void;
}

/** The logs of one topic. A key is any string without lone surrogates, 512 UTF-16 units at most. */
export interface BrokerTopic {
  /**
   * Puts an event at the end of a key's log. Nobody follows an event before it is in the history, and who has seen it, or the promise
   * resolved, finds it there.
   *
   * @returns where it is.
   * @throws TautlineError `SERVICE_UNAVAILABLE`: the broker is away, or too much waits for it; the event was not stored.
   * `OUTCOME_UNKNOWN`: it went away meanwhile; the event may have been stored.
   */
  publish(key: string, text: string, options: PublishOptions): Promise<Position>;
  /** @throws TautlineError `SERVICE_UNAVAILABLE`: the broker is away. Does not wait for it. */
  history(key: string, query: HistoryQuery): Promise<HistoryPage>;
  /**
   * Hears of a key's events from now on, those published through this same broker included, until it is closed. What was before is
   * history's. While the broker is away nothing is heard; when it is back, what was missed, or a gap.
   *
   * One for each key of a node is enough, so this need not be cheap for many of the same key; it must be for many keys.
   */
  follow(key: string, listener: FollowListener): Closable;
}

/**
 * Stores and carries the events of a hub's topics: in memory, in Redis, in NATS. What it has to do is tested by `brokerConformance` of
 * `@tautline/server/testing`. After `close` every call is a TautlineError `CONNECTION_CLOSED`.
 */
export interface Broker {
  /** Called once for each topic, by every node with the same limits. */
  openTopic(name: string, limits: HistoryLimits): BrokerTopic;
  /** Tells whoever listens on the channel, on all nodes, this one included. Best effort: what nobody hears now is gone. */
  signal(channel: string, text: string): void;
  /**
   * Hears of a channel's signals. They may be lost, and are in the order in which a node has sent them.
   *
   * @param onListening is told, perhaps before `listen` returns, that signals come from now on; and again where they come again after
   * the broker was away.
   */
  listen(channel: string, onSignal: (text: string) => void, onListening?: () => void): Closable;
  /**
   * Writes members of a group, each with a text, for so long; those that are there are written anew. Whoever stops renewing them is
   * gone. Leases and releases of a member take effect in the order of the calls, also where none is waited for.
   *
   * @throws TautlineError `SERVICE_UNAVAILABLE`: the broker is away.
   */
  lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void>;
  /** Takes members off a group. @throws TautlineError `SERVICE_UNAVAILABLE`: the broker is away. */
  release(group: string, members: Iterable<string>): Promise<void>;
  /** Who is in a group, with their texts. @throws TautlineError `SERVICE_UNAVAILABLE`: the broker is away. */
  members(group: string): Promise<ReadonlyMap<string, string>>;
  /** Ends every follow, and lets go of whatever it holds. Idempotent. What was released before is gone; leases are left to run out. */
  close(): Promise<void>;
}
