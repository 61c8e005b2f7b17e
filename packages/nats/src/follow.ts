import type { Closable, FollowListener, HistoryPage, Position, StoredEvent } from "@tautline/server";

/** What a follow belongs to. */
export interface FollowHost {
  onBehind(follow: Follow): void;
  onClosed(follow: Follow): void;
}

/**
 * One that follows a key, and how far it is.
 *
 * `starting`: nobody knows yet where it begins. `live`: it has heard everything up to `at`, and hears what comes next. `behind`:
 * something came that does not join on to `at`; it is given the log until it has all that came meanwhile.
 */
export class Follow implements Closable {
  readonly key: string;
  readonly #host: FollowHost;
  readonly #listener: FollowListener;
  #state: "starting" | "live" | "behind" | "closed" = "starting";
  #at: Position | undefined = undefined;
  /** The newest that has come and was not passed on. */
  #missed: Position | undefined = undefined;

  constructor(host: FollowHost, key: string, listener: FollowListener) {
    this.#host = host;
    this.key = key;
    this.#listener = listener;
  }

  get state(): "starting" | "live" | "behind" | "closed" {
    return this.#state;
  }

  /** It has heard everything up to here; undefined while it starts. */
  get at(): Position | undefined {
    return this.#at;
  }

  /** It begins here. */
  start(at: Position): void {
    if (this.#state !== "starting") return;
    this.#at = at;
    this.#state = "live";
    this.#listener.onStarted(at);
    if (!this.#hasAll(at)) this.fallBehind(at);
  }

  /** An event has come; the one before it of this key is at `previous`, 0 where there is none. */
  onLive(event: StoredEvent, previous: number): void {
    const { position } = event;
    const at = this.#at;
    if (at === undefined || this.#state !== "live") this.#missed = position;
    else if (position.epoch !== at.epoch || previous > at.offset) {
      this.#missed = position;
      this.fallBehind(at);
    } else if (position.offset > at.offset) {
      this.#at = position;
      this.#listener.onEvent(event);
    }
  }

  /** @param at a position that it is known to have heard everything up to. */
  fallBehind(at: Position): void {
    if (this.#state !== "live") return;
    this.#at = at;
    this.#state = "behind";
    this.#host.onBehind(this);
  }

  /** What the log has after `at`. */
  onPage({ gap, events, end }: HistoryPage): void {
    if (gap !== undefined && this.#state === "behind") this.#onGap(gap.from, gap.to);
    for (const event of events) this.#onEvent(event);
    if (this.#state !== "behind") return;
    this.#at = end;
    // A page that a limit has cut ends with its last event: there may be more.
    if (events.length === 0 && this.#hasAll(end)) this.#state = "live";
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#host.onClosed(this);
  }

  #onGap(from: Position, to: Position): void {
    this.#at = to;
    this.#listener.onGap({ from, to });
  }

  #onEvent(event: StoredEvent): void {
    // Whoever hears it may close the follow.
    if (this.#state !== "behind") return;
    this.#at = event.position;
    this.#listener.onEvent(event);
  }

  #hasAll({ epoch, offset }: Position): boolean {
    const missed = this.#missed;
    return missed === undefined || missed.epoch !== epoch || missed.offset <= offset;
  }
}
