import { isShort, shortHistory } from "./api.ts";
import { judgeMutations, type MutationCounts } from "./judge-mutations.ts";
import { KeyOrder } from "./key-order.ts";
import type { LogEntry } from "./log.ts";

export interface Verdict {
  readonly violations: readonly string[];
  readonly counts: MutationCounts & {
    readonly kills: number;
    readonly events: number;
    readonly subscriptions: number;
    /** Items that subscribers got, and connections that subscriptions have lost. */
    readonly got: number;
    readonly away: number;
    readonly gaps: number;
    readonly missedInGaps: number;
  };
  /** What was reported that nobody waits for, each once. It is no violation by itself: what comes of it would be. */
  readonly reports: readonly string[];
}

type Entry<Type extends LogEntry["type"]> = Extract<LogEntry, { readonly type: Type }>;

/**
 * What is wrong with what happened, knowing only what was written down of it.
 *
 * @param entries in the order in which things happened.
 * @param leaseMs for how long a node that is dead counts as alive in the store of mutations.
 */
export function judge(entries: readonly LogEntry[], leaseMs: number): Verdict {
  const mutations = judgeMutations(entries, leaseMs);
  const orders = ordersOf(entries);
  const subscribers = subscribersOf(entries, orders);
  const of = (type: LogEntry["type"]): number => entries.filter((entry) => entry.type === type).length;
  const sum = (count: (subscriber: Subscriber) => number): number =>
    subscribers.reduce((all, one) => all + count(one), 0);
  return {
    violations: [
      ...mutations.violations,
      ...[...orders.values()].flatMap((order) => order.violations),
      ...subscribers.flatMap((subscriber) => subscriber.finish()),
    ],
    counts: {
      ...mutations.counts,
      kills: of("killed"),
      events: [...orders.values()].reduce((all, { events }) => all + events.length, 0),
      subscriptions: subscribers.length,
      got: of("got"),
      away: sum(({ away }) => away),
      gaps: of("gap"),
      missedInGaps: sum(({ missedInGaps }) => missedInGaps),
    },
    reports: [
      ...new Set(entries.flatMap((entry) => (entry.type === "reported" ? `${entry.where}: ${entry.message}` : []))),
    ],
  };
}

/** The events of each key in the order in which they were heard of. */
function ordersOf(entries: readonly LogEntry[]): Map<string, KeyOrder> {
  const orders = new Map<string, KeyOrder>();
  const of = (key: string): KeyOrder => {
    const order = orders.get(key) ?? new KeyOrder(key);
    orders.set(key, order);
    return order;
  };
  const keys = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type === "published") {
      keys.set(entry.event, entry.key);
      of(entry.key).onPublished(entry.event, entry.at);
    } else if (entry.type === "left") of(keys.get(entry.event) ?? "").onStored(entry.event, entry.at);
    else if (entry.type === "got") of(entry.key).onGot(entry.event, entry.subscription);
  }
  for (const order of orders.values()) order.sort();
  return orders;
}

/** Each has gone through all that it was told. */
function subscribersOf(entries: readonly LogEntry[], orders: ReadonlyMap<string, KeyOrder>): readonly Subscriber[] {
  const subscribers = new Map<string, Subscriber>();
  for (const entry of entries) {
    if (entry.type === "follows") {
      if (!subscribers.has(entry.subscription)) subscribers.set(entry.subscription, new Subscriber(entry, orders));
    } else if (entry.type === "away") for (const name of entry.subscriptions) subscribers.get(name)?.onAway();
    else if (entry.type === "got") subscribers.get(entry.subscription)?.onGot(entry);
    else if (entry.type === "gap") subscribers.get(entry.subscription)?.onGap(entry);
    else if (entry.type === "ended") subscribers.get(entry.subscription)?.onEnded(entry);
  }
  return [...subscribers.values()];
}

/** Where a subscriber is in the order of a key. */
interface Place {
  readonly order: KeyOrder;
  readonly seen: Set<string>;
  index: number;
  excused: boolean;
}

class Subscriber {
  away = 0;
  missedInGaps = 0;
  readonly #name: string;
  readonly #since: number;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #violations: string[] = [];
  #lastId: string | undefined = undefined;
  #wasAway = false;

  constructor({ subscription, keys, at }: Entry<"follows">, orders: ReadonlyMap<string, KeyOrder>) {
    this.#name = subscription;
    this.#since = at;
    this.#places = new Map(
      keys.map((key) => [
        key,
        { order: orders.get(key) ?? new KeyOrder(key), seen: new Set<string>(), index: -1, excused: false },
      ]),
    );
  }

  onAway(): void {
    this.away++;
    this.#wasAway = true;
  }

  onGot({ event, key, id }: Entry<"got">): void {
    this.#lastId = id;
    this.#wasAway = false;
    const place = this.#places.get(key);
    if (place === undefined) return this.#accuse(`${event} of ${key}, which it does not follow`);
    if (place.seen.has(event)) return this.#accuse(`${event} twice`);
    place.seen.add(event);
    const index = place.order.indexOf(event);
    if (index < place.index) return this.#accuse(`${event} after ${place.order.events[place.index]}`);
    this.#goTo(place, index, event);
  }

  onGap({ from, at }: Entry<"gap">): void {
    if (this.#lastId !== undefined && from !== this.#lastId)
      this.#accuse(`a gap from ${from}, but ${this.#lastId} was the last`);
    if (!this.#wasAway) this.#accuse("a gap, though its connection was not lost");
    const places = [...this.#places].filter(([key, place]) => this.#mayMiss(key, place, at));
    if (places.length === 0) this.#accuse("a gap, though what it had not got was all kept");
    for (const [, place] of places) place.excused = true;
  }

  onEnded({ code }: Entry<"ended">): void {
    this.#accuse(`it ended: ${code}`);
  }

  finish(): readonly string[] {
    for (const place of this.#places.values()) this.#goTo(place, place.order.events.length, "the end");
    return this.#violations;
  }

  /** More has come than history keeps. */
  #mayMiss(key: string, { order, index }: Place, at: number): boolean {
    return order.countAfter(index, at) > (isShort(key) ? shortHistory : 1_000);
  }

  #goTo(place: Place, index: number, what: string): void {
    const missed = place.order.events
      .slice(place.index + 1, index)
      .filter((event) => place.order.publishedAt(event) > this.#since);
    if (place.excused) this.missedInGaps += missed.length;
    if (place.excused && missed.length === 0) this.#accuse(`a gap before ${what}, and nothing is missing`);
    if (!place.excused && missed.length > 0)
      this.#accuse(`${missed.length} missing before ${what}, ${missed[0]} the first`);
    place.index = index;
    place.excused = false;
  }

  #accuse(what: string): void {
    this.#violations.push(`subscription ${this.#name}: ${what}`);
  }
}
