import type { Closable, FollowListener, HistoryQuery, Position, PositionGap, StoredEvent } from "./broker.ts";

/** An event that is kept, between its neighbours among all events of its topic. */
export interface KeptEvent {
  readonly event: StoredEvent;
  readonly log: MemoryLog;
  /** Of its text. */
  readonly bytes: number;
  readonly keptAt: number;
  older: KeptEvent | undefined;
  newer: KeptEvent | undefined;
}

/** One listener to a log. */
class Follower implements Closable {
  readonly listener: FollowListener;
  /** What it hears comes after this offset. */
  readonly after: number;
  closed = false;
  readonly #log: MemoryLog;

  constructor(log: MemoryLog, listener: FollowListener, after: number) {
    this.#log = log;
    this.listener = listener;
    this.after = after;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#log.unfollow(this);
  }
}

const nobody: readonly Follower[] = [];

interface Selection {
  readonly events: readonly StoredEvent[];
  readonly cut: boolean;
}

/** One key's events, and who follows them. */
export class MemoryLog {
  readonly key: string;
  /** The newest event that is no longer kept. */
  goneTo: number;
  #events: KeptEvent[] = [];
  /** Where in `#events` the oldest kept one stands; the slots before it wait for a cheap moment to be cut off. */
  #head = 0;
  #bytes = 0;
  /** Few: one for each node. Never changed, but replaced. */
  #followers = nobody;
  #undelivered: StoredEvent[] | undefined = undefined;
  readonly #onUnfollowed: (log: MemoryLog) => void;

  /** @param onUnfollowed somebody follows no more. */
  constructor(key: string, goneTo: number, onUnfollowed: (log: MemoryLog) => void) {
    this.key = key;
    this.goneTo = goneTo;
    this.#onUnfollowed = onUnfollowed;
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  /** Of the kept texts. */
  get bytes(): number {
    return this.#bytes;
  }

  get followers(): number {
    return this.#followers.length;
  }

  push(kept: KeptEvent): void {
    this.#events.push(kept);
    this.#bytes += kept.bytes;
  }

  /** Lets go of the oldest event, and gives it. */
  shift(): KeptEvent | undefined {
    const kept = this.#events[this.#head];
    if (kept === undefined) return undefined;
    this.#head++;
    this.#bytes -= kept.bytes;
    this.goneTo = kept.event.position.offset;
    // Each time would move all the others.
    if (this.#head * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return kept;
  }

  /**
   * The events that a query is for, oldest first, and whether one of its limits has left some out.
   *
   * @param after an offset of this log.
   */
  select({ before, limit, maxBytes }: HistoryQuery, after: number | undefined): Selection {
    const end = before === undefined ? this.#events.length : this.#indexAfter(before.offset - 1);
    const start = after === undefined ? this.#head : this.#indexAfter(after);
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (let count = 0; count < end - start; count++) {
      const kept = this.#events[after === undefined ? end - 1 - count : start + count];
      bytes += kept?.bytes ?? 0;
      if (kept === undefined || count === limit || (count > 0 && bytes > maxBytes)) break;
      events.push(kept.event);
    }
    return { events: after === undefined ? events.reverse() : events, cut: events.length < end - start };
  }

  follow(listener: FollowListener, at: Position): Closable {
    const follower = new Follower(this, listener, at.offset);
    this.#followers = this.#followers.concat(follower);
    listener.onStarted(at);
    return follower;
  }

  unfollow(follower: Follower): void {
    this.#followers = this.#followers.length === 1 ? nobody : this.#followers.filter((other) => other !== follower);
    this.#onUnfollowed(this);
  }

  /** Tells all followers. What one of them publishes on hearing it is told after it, to all. */
  deliver(event: StoredEvent): void {
    if (this.#followers.length === 0) return;
    if (this.#undelivered !== undefined) {
      this.#undelivered.push(event);
      return;
    }
    const undelivered = [event];
    this.#undelivered = undelivered;
    for (const next of undelivered) {
      for (const { closed, after, listener } of this.#followers)
        if (!closed && next.position.offset > after) listener.onEvent(next);
    }
    this.#undelivered = undefined;
  }

  /** All of it is lost. */
  clear(goneTo: number): void {
    this.#events = [];
    this.#head = 0;
    this.#bytes = 0;
    this.goneTo = goneTo;
  }

  tellGap(gap: PositionGap): void {
    for (const { closed, listener } of this.#followers) if (!closed) listener.onGap(gap);
  }

  /** Where in `#events` the first one after an offset stands. */
  #indexAfter(offset: number): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.event.position.offset ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
