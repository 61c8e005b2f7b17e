import { TautlineError } from "@tautline/core";
import type { Deadline } from "@tautline/core/internals";
import type { Position } from "./broker.ts";
import { type FeedEntry, FeedGap, isSame, isUpTo } from "./feed-entry.ts";
import type { FeedCursor, FeedPage, KeyFeed } from "./key-feed.ts";

/** Whose place it is. */
export interface CursorOwner {
  /** It stands, or stands again after `seek`: from now on it can say where it is. */
  onCursorStarted(): void;
  /** There may be something to take. */
  onCursorReady(): void;
  /** It was too slow: entries that it has not taken are gone. */
  onOverrun(): void;
  onCursorFailed(error: unknown): void;
}

/**
 * - `starting`: the feed does not stand yet.
 * - `reading`: it catches up from the history, at its own pace.
 * - `live`: it takes what the feed has.
 */
type Phase = "starting" | "reading" | "live" | "closed";

/** Somebody's page, and how much of it was taken. */
interface ReadPage extends FeedPage {
  taken: number;
}

/** How long to wait before history is read again that could not be, or did not have what was to be expected. */
const retryMs = 500;
const nowhere: Position = { epoch: "none", offset: 0 };

/** One subscriber's place in one key: first in its history, then in its feed. It takes each entry once, or word of a gap. */
export class KeyCursor implements FeedCursor {
  behind = false;
  readonly #owner: CursorOwner;
  readonly #feed: KeyFeed;
  #phase: Phase = "starting";
  #position: Position | undefined;
  /** The number of the feed's entry to be taken next. */
  #next = 0;
  /** What was read last; undefined while it is being read, and where nothing is. */
  #page: ReadPage | undefined = undefined;
  #retry: Deadline | undefined = undefined;
  #recovered = true;

  /** @param after where to go on; undefined: where the feed is. */
  constructor(owner: CursorOwner, feed: KeyFeed, after: Position | undefined) {
    this.#owner = owner;
    this.#feed = feed;
    this.#position = after;
  }

  /** Where it is: at the entry that was taken last. */
  get position(): Position {
    return this.#position ?? nowhere;
  }

  get feed(): KeyFeed {
    return this.#feed;
  }

  /** Whether it takes what the feed has. */
  get live(): boolean {
    return this.#phase === "live";
  }

  /** The number of the feed's entry to be taken next, where it is live. */
  get next(): number {
    return this.#next;
  }

  /** Whether nothing is missing between where it was to go on and what came first. */
  get recovered(): boolean {
    return this.#recovered;
  }

  /** Which entry, of all keys, it would give next, or is to look for; Infinity where it has none at present. */
  get arrival(): number {
    if (this.#phase === "reading" && this.#page !== undefined) return 0;
    if (this.#phase !== "live") return Number.POSITIVE_INFINITY;
    if (this.#next < this.#feed.first) return 0;
    return this.#feed.entry(this.#next)?.arrival ?? Number.POSITIVE_INFINITY;
  }

  /** @throws what the broker's `follow` throws. */
  open(): void {
    this.#feed.add(this);
  }

  close(): void {
    this.#phase = "closed";
    this.#page = undefined;
    this.#retry?.cancel();
    this.#feed.remove(this);
  }

  /** Somebody else brings what comes, until `wake`: it is live, and has taken everything. */
  rest(): void {
    this.#feed.rest(this);
  }

  /** Takes what comes by itself again, this entry first. */
  wake(next: number): void {
    this.#next = next;
    this.#position = this.#feed.positionBefore(next);
    this.#feed.wake(this, next);
  }

  /** Goes on somewhere else: after a position, or where the feed is now. */
  seek(after: Position | undefined): void {
    this.#position = after;
    this.#page = undefined;
    this.#retry?.cancel();
    this.onFeedStarted();
  }

  onFeedStarted(): void {
    const { position: now } = this.#feed;
    if (now === undefined || this.#phase === "closed") return;
    this.#position ??= now;
    if (isSame(this.#position, now)) {
      this.#goLive(this.#feed.end);
      this.#owner.onCursorStarted();
    } else {
      this.#phase = "starting";
      this.#read(this.#position);
    }
  }

  onEntry(): void {
    if (this.#phase === "live") this.#owner.onCursorReady();
  }

  onDropped(): void {
    if (this.#phase === "live" && this.#next < this.#feed.first) this.#owner.onOverrun();
  }

  onFeedFailed(error: unknown): void {
    this.#owner.onCursorFailed(error);
  }

  /** The next entry; undefined where it is not there yet: the owner will be told. */
  take(): FeedEntry | undefined {
    const entry = this.#takeRead() ?? this.#takeLive();
    if (entry !== undefined) this.#position = entry.position;
    return entry;
  }

  #takeRead(): FeedEntry | undefined {
    const page = this.#page;
    const entry = page?.entries[page.taken];
    if (page === undefined) return undefined;
    if (entry === undefined) this.#onPageTaken(page);
    else page.taken++;
    return entry;
  }

  /** From here on the feed may have everything; or else there is more to be read. */
  #onPageTaken({ entries, end }: FeedPage): void {
    this.#page = undefined;
    this.#position = end;
    const next = this.#feed.numberAfter(end);
    if (next !== undefined) return this.#goLive(next);
    if (entries.length > 0) this.#read(end);
    // What the feed has heard of has to be in the history; a copy that lags behind may not have it yet.
    else this.#readLater(end);
  }

  #goLive(next: number): void {
    this.#phase = "live";
    this.#next = next;
    if (next === this.#feed.end) this.#feed.release(this);
    // What is there was kept for others, who may take it first.
    else this.#feed.hold(this);
  }

  #takeLive(): FeedEntry | undefined {
    if (this.#phase !== "live") return undefined;
    if (this.#next < this.#feed.first) return this.#takeOverrun();
    let entry = this.#feed.entry(this.#next);
    // What history has given already.
    while (entry !== undefined && isUpTo(entry.position, this.position)) entry = this.#feed.entry(++this.#next);
    if (entry !== undefined) this.#next++;
    if (this.#next === this.#feed.end) this.#feed.release(this);
    return entry;
  }

  #takeOverrun(): FeedEntry {
    this.#next = this.#feed.first;
    return new FeedGap({ from: this.position, to: this.#feed.base ?? this.position }, 0);
  }

  #read(after: Position): void {
    this.#feed.read(after).then(
      (page) => this.#onPage(page, after),
      (error: unknown) => this.#onUnread(error, after),
    );
  }

  /** A page that was asked for before `seek` is nobody's. */
  #onPage(page: FeedPage, after: Position): void {
    if (this.#phase === "closed" || this.#position !== after || this.#page !== undefined) return;
    this.#page = { ...page, taken: 0 };
    if (this.#phase === "reading") return this.#owner.onCursorReady();
    this.#phase = "reading";
    this.#recovered = !(page.entries[0] instanceof FeedGap);
    this.#owner.onCursorStarted();
  }

  #onUnread(error: unknown, after: Position): void {
    if (this.#phase === "closed" || this.#position !== after) return;
    if (TautlineError.from(error).code === "SERVICE_UNAVAILABLE") this.#readLater(after);
    else this.#owner.onCursorFailed(error);
  }

  #readLater(after: Position): void {
    this.#retry = this.#feed.host.deadlines.add(retryMs, () => this.#read(after));
  }
}
