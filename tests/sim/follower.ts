import type { RouterClient } from "@tautline/client";
import type { TautlineError } from "@tautline/core";
import type { History } from "@tautline/core/testing";
import type { SimRouter } from "./application.ts";
import type { Step } from "./schedule.ts";
import type { Event, Snapshot, TopicWorld } from "./topic-world.ts";

/** As much of the world as a follower is in. */
export interface FollowerWorld {
  readonly history: History;
  readonly topics: TopicWorld;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

type FollowStep = Extract<Step, { do: "follow" }> & {
  /** The id of an event after which it begins. */
  readonly after: string | undefined;
};

/** What comes to a follower, which a planted bug may spoil. */
type Shown = Partial<Event & Snapshot> | undefined;

/** A client's subscription to a topic: what it gets goes into the history. */
export class Follower {
  readonly call: string;
  /** Called once, when it has ended: by itself with an error's code, or unsubscribed. */
  readonly #onEnded: (outcome: string) => void;
  readonly #world: FollowerWorld;
  readonly #step: FollowStep;
  /** Takes no time for its events any more. */
  readonly #hurry = new AbortController();
  readonly #subscription: { unsubscribe(): void };
  /** What it has seen last of each key. */
  readonly #last: number[];
  /** Settled when it has taken what it got. */
  #taken = Promise.resolve();
  #count = 0;
  #ended = false;

  constructor(
    world: FollowerWorld,
    { topics }: RouterClient<SimRouter>,
    call: string,
    step: FollowStep,
    onEnded: (outcome: string) => void,
  ) {
    this.#world = world;
    this.#step = step;
    this.call = call;
    this.#onEnded = onEnded;
    world.topics.followers++;
    const { path, keys, policy, snapshot, after } = step;
    this.#last = keys.map(() => 0);
    const input = { call, keys: [...keys], policy, snapshot, ...(after !== undefined && { after }) };
    const onData = (event: Shown): Promise<void> | undefined => this.#onEvent(event);
    // A planted bug may bring what has no id.
    const onMarked = (item: { id?: string; data: Shown } | undefined): Promise<void> | undefined =>
      this.#onMarked(item?.data, item?.id ?? "");
    const callbacks = {
      onStarted: () => world.history.add("started", { call }),
      onGap: (gap?: { from: string; to: string }) => this.#onGap(gap),
      onError: (error: TautlineError) => this.#end(error.code),
    };
    this.#subscription =
      path === "checked" || path === "late"
        ? topics.contract[path].subscribe(input, { ...callbacks, onData })
        : path === "marked"
          ? topics.contract.marked.subscribe(input, { ...callbacks, onData: onMarked })
          : topics[path].subscribe(input, { ...callbacks, onData: onMarked });
  }

  /** Whether it has got the newest event of each key that it is to get, or been told that it missed it. */
  get caughtUp(): boolean {
    const { keys, path } = this.#step;
    const { topics } = this.#world;
    return this.#ended || keys.every((key, index) => (this.#last[index] ?? 0) >= topics.newest(key, everyOf(path)));
  }

  hurry(): void {
    this.#hurry.abort();
  }

  unsubscribe(): void {
    if (this.#ended) return;
    this.#subscription.unsubscribe();
    this.#end("cancelled");
  }

  #onMarked(shown: Shown, id: string): Promise<void> | undefined {
    const places = this.#world.topics.places.of(id);
    if (shown?.counts === undefined) return this.#onEvent(shown, places);
    this.#world.topics.snapshots++;
    this.#world.history.add("snapshot", { call: this.call, counts: shown.counts, id: places });
    for (const [index, place] of places.entries()) this.#last[index] = place;
    return undefined;
  }

  #onEvent(event: Shown, id?: readonly number[]): Promise<void> | undefined {
    const { history, topics } = this.#world;
    const { key = "nothing", position = 0, padding = "" } = event ?? {};
    history.add("event", { call: this.call, key, position, length: padding.length, ...(id !== undefined && { id }) });
    topics.received++;
    this.#last[this.#step.keys.findIndex((own) => own === key)] = position;
    if (++this.#count === this.#step.stopAt) this.unsubscribe();
    return this.#step.takeMs === 0 ? undefined : this.#take(this.#taken);
  }

  /** One event after the other. */
  #take(before: Promise<void>): Promise<void> {
    this.#taken = before.then(() => this.#world.sleep(this.#step.takeMs, this.#hurry.signal));
    return this.#taken;
  }

  #onGap(gap: { from: string; to: string } | undefined): void {
    const { history, topics } = this.#world;
    topics.gaps++;
    if (gap === undefined) return history.add("gap", { call: this.call });
    const [from, to] = [topics.places.of(gap.from), topics.places.of(gap.to)];
    history.add("gap", { call: this.call, from, to });
    // What it missed is in a snapshot that comes after it.
    if (this.#step.snapshot === "none") for (const [index, place] of to.entries()) this.#last[index] = place;
  }

  #end(outcome: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#world.topics.followers--;
    this.hurry();
    this.#onEnded(outcome);
  }
}

/** Of which positions a subscription gets the events: of all, or of their multiples. */
export function everyOf(path: FollowStep["path"]): number {
  return path === "even" ? 2 : 1;
}
