import type { Deadlines } from "@tautline/core/internals";
import type { BrokerTopic, Closable, FollowListener, Position, PositionGap, StoredEvent } from "./broker.ts";
import type { EventCodec } from "./event-codec.ts";
import { type FeedEntry, FeedEvent, FeedGap, isUpTo } from "./feed-entry.ts";

/** What the feeds of a topic share. */
export interface FeedHost {
  readonly log: BrokerTopic;
  readonly codec: EventCodec;
  readonly deadlines: Deadlines;
  /** How much is kept of a key for subscribers that are behind. */
  readonly buffer: { readonly maxEvents: number; readonly maxBytes: number };
  /** Counts what comes, of all keys. */
  nextArrival(): number;
  onUnused(feed: KeyFeed): void;
}

/** A subscriber's place in a feed. */
export interface FeedCursor {
  /** Whether the feed has something that it has not taken. */
  behind: boolean;
  /** The feed stands; called while the cursor is added where it does already. */
  onFeedStarted(): void;
  onEntry(): void;
  /** The feed has let go of entries that it may not have taken. */
  onDropped(): void;
  /** The feed is over. */
  onFeedFailed(error: unknown): void;
}

/** Brings what comes to subscribers whose cursors rest meanwhile. */
export interface FeedCarrier {
  /** Called before the cursors hear of it. Cursors that it wakes here are among those. */
  onEntry(number: number): void;
  /** Has all who rest go on by themselves. */
  onFeedFailed(): void;
}

/** What was read of a key's history: perhaps a gap, then events. */
export interface FeedPage {
  readonly entries: readonly FeedEntry[];
  readonly end: Position;
}

/** Events that are read from history at a time, and how much text. */
const pageEvents = 128;
const pageBytes = 1024 * 1024;

/**
 * What comes of one key, for all of its subscribers on this node: one follow of the broker's, each event one object. While somebody
 * is behind, what has come is kept here, once, however many they are; over the limits the older half is let go.
 */
export class KeyFeed implements FollowListener {
  readonly key: string;
  readonly #host: FeedHost;
  readonly #cursors = new Set<FeedCursor>();
  readonly #carriers: FeedCarrier[] = [];
  /** Cursors of those to whom carriers bring what comes. */
  #resting: Set<FeedCursor> | undefined = undefined;
  /** Reads that are under way, by the position that they read on from: whoever comes back together reads together. */
  #reads: Map<string, Promise<FeedPage>> | undefined = undefined;
  readonly #entries: FeedEntry[] = [];
  /** How many entries there were before the first of `#entries`, and where in the log that is. */
  #first = 0;
  #base: Position | undefined = undefined;
  #position: Position | undefined = undefined;
  #length = 0;
  #behind = 0;
  #delivering = false;
  #follow: Closable | undefined = undefined;
  #closed = false;

  constructor(key: string, host: FeedHost) {
    this.key = key;
    this.#host = host;
  }

  /** Where it is: at the last entry that has come; undefined until it stands. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** How many subscribers it has. */
  get size(): number {
    return this.#cursors.size + (this.#resting?.size ?? 0);
  }

  /** The number of the first entry that is kept, and of the next that comes. */
  get first(): number {
    return this.#first;
  }

  get end(): number {
    return this.#first + this.#entries.length;
  }

  /** Where in the log the first entry's predecessor is. */
  get base(): Position | undefined {
    return this.#base;
  }

  get host(): FeedHost {
    return this.#host;
  }

  entry(number: number): FeedEntry | undefined {
    return this.#entries[number - this.#first];
  }

  /** @throws what the broker's `follow` throws. */
  add(cursor: FeedCursor): void {
    this.#cursors.add(cursor);
    if (this.#position !== undefined) cursor.onFeedStarted();
    else if (this.size === 1) this.#start();
  }

  /** With the last one the feed is over. */
  remove(cursor: FeedCursor): void {
    this.release(cursor);
    this.#cursors.delete(cursor);
    this.#resting?.delete(cursor);
    if (this.#closed || this.size > 0) return;
    this.#closed = true;
    this.#host.onUnused(this);
    this.#follow?.close();
  }

  /** Has a carrier bring what comes; the newer ones later. */
  addCarrier(carrier: FeedCarrier): void {
    this.#carriers.push(carrier);
  }

  removeCarrier(carrier: FeedCarrier): void {
    this.#carriers.splice(this.#carriers.indexOf(carrier), 1);
  }

  /** A carrier brings what comes to the cursor's owner, who has taken everything. */
  rest(cursor: FeedCursor): void {
    this.#cursors.delete(cursor);
    this.#resting ??= new Set();
    this.#resting.add(cursor);
  }

  /** The cursor takes what comes by itself again, this entry first; that is the newest, or the next to come. */
  wake(cursor: FeedCursor, next: number): void {
    this.#resting?.delete(cursor);
    this.#cursors.add(cursor);
    if (next < this.end) this.hold(cursor);
  }

  /** Ends the subscriptions of everybody. */
  fail(error: unknown): void {
    for (const carrier of this.#carriers.slice()) carrier.onFeedFailed();
    for (const cursor of this.#cursors) cursor.onFeedFailed(error);
  }

  /** Keeps what comes until the cursor has taken it. */
  hold(cursor: FeedCursor): void {
    if (cursor.behind) return;
    cursor.behind = true;
    this.#behind++;
  }

  /** The cursor has taken everything, or wants no more. */
  release(cursor: FeedCursor): void {
    if (!cursor.behind) return;
    cursor.behind = false;
    this.#behind--;
    if (this.#behind === 0 && !this.#delivering) this.#clear();
  }

  /** Where in the log the predecessor of an entry is that is kept, or is the next to come. */
  positionBefore(number: number): Position | undefined {
    return number > this.#first ? this.entry(number - 1)?.position : this.#base;
  }

  /** The number of the first entry after a position, if nothing is missing between the two; undefined if something may be. */
  numberAfter(position: Position): number | undefined {
    if (this.#base !== undefined && isUpTo(this.#base, position)) return this.#first;
    const known = this.#entries.findIndex((entry) => entry.position.epoch === position.epoch);
    const entry = this.#entries[known];
    return entry !== undefined && isUpTo(entry.position, position) ? this.#first + known + 1 : undefined;
  }

  /** Reads on in the history. @throws what the broker's `history` throws. */
  read(after: Position): Promise<FeedPage> {
    const name = `${after.epoch}.${after.offset}`;
    this.#reads ??= new Map();
    const reading = this.#reads.get(name) ?? this.#read(after).finally(() => this.#reads?.delete(name));
    this.#reads.set(name, reading);
    return reading;
  }

  onStarted(at: Position): void {
    this.#position = at;
    this.#base = at;
    for (const cursor of this.#cursors) cursor.onFeedStarted();
  }

  onEvent(event: StoredEvent): void {
    this.#length += event.text.length;
    this.#deliver(new FeedEvent(this.key, event, this.#host.codec, this.#host.nextArrival()));
  }

  onGap(gap: PositionGap): void {
    this.#deliver(new FeedGap(gap, this.#host.nextArrival()));
  }

  #start(): void {
    const follow = this.#host.log.follow(this.key, this);
    // It may have begun, and whoever wanted it gone, in that call.
    if (this.#closed) follow.close();
    else this.#follow = follow;
  }

  async #read(after: Position): Promise<FeedPage> {
    const { log, codec } = this.#host;
    const { events, gap, end } = await log.history(this.key, { after, limit: pageEvents, maxBytes: pageBytes });
    const entries: FeedEntry[] = gap === undefined ? [] : [new FeedGap(gap, 0)];
    for (const event of events) entries.push(new FeedEvent(this.key, event, codec, 0));
    return { entries, end };
  }

  #deliver(entry: FeedEntry): void {
    const number = this.end;
    this.#entries.push(entry);
    this.#position = entry.position;
    this.#delivering = true;
    for (const carrier of this.#carriers.slice()) carrier.onEntry(number);
    for (const cursor of this.#cursors) {
      this.hold(cursor);
      cursor.onEntry();
    }
    this.#delivering = false;
    if (this.#behind === 0) this.#clear();
    else if (this.#isFull()) this.#drop();
  }

  #isFull(): boolean {
    const { maxEvents, maxBytes } = this.#host.buffer;
    return this.#entries.length > 1 && (this.#entries.length > maxEvents || this.#length > maxBytes);
  }

  /** By halves: whoever is too slow for good hears of one gap now and then, not of one before each event. */
  #drop(): void {
    while (this.#isFull()) {
      const dropped = this.#entries.splice(0, Math.ceil(this.#entries.length / 2));
      this.#first += dropped.length;
      this.#base = dropped.at(-1)?.position;
      for (const entry of dropped) if (entry instanceof FeedEvent) this.#length -= entry.text.length;
    }
    for (const cursor of this.#cursors) cursor.onDropped();
  }

  #clear(): void {
    this.#first += this.#entries.length;
    this.#entries.length = 0;
    this.#length = 0;
    this.#base = this.#position;
  }
}
