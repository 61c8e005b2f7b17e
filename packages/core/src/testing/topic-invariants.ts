import type { Following, History, HistoryEntry } from "./history.ts";
import type { HistoryLog } from "./history-log.ts";

type Entry<Type extends HistoryEntry["type"]> = Extract<HistoryEntry, { type: Type }>;

/** What an invariant of topics was broken by. */
export interface TopicViolation {
  readonly invariant: "I6" | "I10" | "I11" | "I12" | "I13" | "I14";
  readonly message: string;
}

/** Goes through a history once, and compares what each subscription to a topic got with what was published. */
export function findTopicViolations(history: History, log: HistoryLog): readonly TopicViolation[] {
  const topics = new TopicHistory(history, log);
  history.entries.forEach((entry, order) => topics.take(entry, order));
  return topics.found;
}

/** What was published of one key, in order. */
class PublishedKey {
  readonly #events: (Entry<"published"> & { readonly order: number })[] = [];

  add(event: Entry<"published">, order: number): void {
    this.#events.push({ ...event, order });
  }

  at(position: number): Entry<"published"> | undefined {
    const event = this.#events[this.#indexAfter(position - 1)];
    return event?.position === position ? event : undefined;
  }

  /** The next event after a position that was published before an entry of the history, of those whose positions are multiples. */
  next(position: number, every: number, order: number): number | undefined {
    for (let index = this.#indexAfter(position); index < this.#events.length; index++) {
      const event = this.#events[index];
      if (event !== undefined && event.order > order) return undefined;
      if (event !== undefined && event.position % every === 0) return event.position;
    }
    return undefined;
  }

  /** The newest one up to a position. */
  newest(position: number): number | undefined {
    return this.#events[this.#indexAfter(position) - 1]?.position;
  }

  /** How many came after a position, and before an entry of the history. */
  count(position: number, order: number): number {
    let count = 0;
    for (let index = this.#events.length - 1; index >= 0; index--) {
      const event = this.#events[index];
      if (event === undefined || event.position <= position) break;
      if (event.order < order) count++;
    }
    return count;
  }

  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.position ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A subscription to a topic, as far as the history has been read. */
interface Follower extends Following {
  readonly at: number;
  readonly call: string;
  readonly client: string;
  /** Where its runs were to begin. */
  readonly starts: number[];
  /** Where its reader may be, as it has begun; undefined before, and where it begins anew. What comes first tells which of them it is. */
  places: readonly number[] | undefined;
  /** What it has seen last. */
  last: number;
  over: boolean;
}

class TopicHistory {
  readonly found: TopicViolation[] = [];
  readonly #log: HistoryLog;
  readonly #keys = new Map<string, PublishedKey>();
  readonly #followers = new Map<string, Follower>();
  /** Of each item of a generator: what was published before it was given, and before it had been sent. */
  readonly #emitted = new Map<string, number>();
  readonly #passed = new Map<string, number>();
  #limits: Entry<"topics"> | undefined = undefined;
  #calm = false;

  constructor({ entries }: History, log: HistoryLog) {
    this.#log = log;
    for (const [order, entry] of entries.entries()) {
      if (entry.type === "published") this.#key(entry.key).add(entry, order);
      else if (entry.type === "emitted" && entry.end !== undefined) this.#emitted.set(nameOf(entry), entry.end);
      else if (entry.type === "passed") this.#passed.set(nameOf(entry), entry.end);
      else if (entry.type === "topics") this.#limits = entry;
      else if (entry.type === "calm") this.#calm = true;
    }
  }

  take(entry: HistoryEntry, order: number): void {
    switch (entry.type) {
      case "called":
        return this.#onCalled(entry);
      case "entered":
        this.#followers.get(entry.call)?.starts.push(entry.after ?? 0);
        return;
      case "opened":
        this.#followers.get(entry.call)?.starts.push(entry.position);
        return;
      case "quiet":
        for (const follower of this.#followers.values()) this.#checkEnd(follower, order);
        return;
      case "received":
        return this.#checkOrder(entry, order);
      case "started":
      case "event":
      case "gap":
      case "settled": {
        const follower = this.#followers.get(entry.call);
        return follower && this.#hear(entry, follower, order);
      }
      default:
        return;
    }
  }

  #onCalled({ at, call, client, follows }: Entry<"called">): void {
    if (follows === undefined) return;
    this.#followers.set(call, { ...follows, at, call, client, starts: [], places: undefined, last: -1, over: false });
  }

  #hear(
    entry: Entry<"started"> | Entry<"event"> | Entry<"gap"> | Entry<"settled">,
    follower: Follower,
    order: number,
  ): void {
    switch (entry.type) {
      case "started":
        follower.places ??= [...follower.starts];
        return;
      case "event":
        return this.#onEvent(entry, follower, order);
      case "gap":
        if (entry.from !== undefined && entry.to !== undefined)
          return this.#onGap(entry.from, entry.to, follower, order);
        // It begins anew. Whether there was a reason is I10's.
        follower.places = undefined;
        return;
      case "settled":
        return this.#onSettled(entry, follower, order);
    }
  }

  #onEvent({ at, key, position, length, id = position }: Entry<"event">, follower: Follower, order: number): void {
    const { call, every } = follower;
    const published = this.#key(follower.key).at(position);
    if (key !== follower.key || published?.length !== length || position % every !== 0 || id !== position)
      return this.#find("I6", `${call} of ${follower.key} got ${key} ${position} as ${id} at ${at} ms`);
    const places = follower.places ?? follower.starts;
    const nexts = places.map((place) => this.#key(key).next(place, every, order));
    if (!nexts.includes(position))
      this.#find("I11", `${call} got event ${position} where ${nexts.join(" or ")} comes, at ${at} ms`);
    this.#goTo(position, follower);
  }

  #onGap(from: number, to: number, follower: Follower, order: number): void {
    const { call, every, key } = follower;
    const published = this.#key(key);
    const places = follower.places ?? follower.starts;
    // Events of other keys may lie between the two.
    const fits = places.some(
      (place) =>
        (published.next(Math.min(place, from), every, order) ?? Number.POSITIVE_INFINITY) > Math.max(place, from),
    );
    if (!fits) this.#find("I12", `${call} was told of a gap from ${from} to ${to}, and is at ${places.join(" or ")}`);
    const newest = published.newest(to);
    if (newest === undefined || newest <= from)
      this.#find("I12", `${call} was told of a gap from ${from} to ${to}, in which there is nothing`);
    else if (!this.#isGone(newest, follower, order))
      this.#find("I12", `${call} was told of a gap from ${from} to ${to}, and ${newest} could be had`);
    this.#goTo(to, follower);
  }

  /** Whether an event may be had no more: of those that are gone it is the newest. */
  #isGone(position: number, { key, policy }: Follower, order: number): boolean {
    const newer = this.#key(key).count(position, order);
    const { historyEvents = 0, bufferEvents = 0 } = this.#limits ?? {};
    if (policy === "latest" && newer > 0) return true;
    return newer >= historyEvents || newer >= leftOf(bufferEvents);
  }

  #onSettled({ at, outcome }: Entry<"settled">, follower: Follower, order: number): void {
    const { call, key, policy, places } = follower;
    follower.over = true;
    if (outcome === "cancelled") return;
    const waiting = Math.max(...(places ?? follower.starts).map((place) => this.#key(key).count(place, order)));
    const { bufferEvents = 0 } = this.#limits ?? {};
    const tooSlow = outcome === "TOO_MANY_REQUESTS" && policy === "close" && waiting > leftOf(bufferEvents);
    if (!tooSlow) this.#find("I10", `${call} of ${key} ended with ${outcome} at ${at} ms`);
  }

  #checkEnd({ call, key, every, over, starts, places = starts }: Follower, order: number): void {
    if (over) return;
    const nexts = places.map((place) => this.#key(key).next(place, every, order));
    if (!nexts.includes(undefined))
      this.#find("I14", `${call} of ${key} is at ${places.join(" or ")}, and has not got ${nexts.join(" or ")}`);
  }

  /** An item of a generator has come: what its client follows on the same session has come as far, and no further. */
  #checkOrder(item: Entry<"received">, order: number): void {
    const client = this.#log.calls.get(item.call)?.client;
    const passed = this.#passed.get(nameOf(item)) ?? Number.POSITIVE_INFINITY;
    const emitted = this.#emitted.get(nameOf(item)) ?? 0;
    for (const follower of this.#followers.values()) {
      if (follower.over || follower.client !== client || !this.#hasOneSession(follower, item.at)) continue;
      const { call, last, key, every, prompt, starts } = follower;
      const say = `item ${item.position} of ${item.run} at ${item.at} ms`;
      if (last > passed) this.#find("I13", `${call} got event ${last} before ${say}, which was sent at ${passed}`);
      const next = this.#key(key).next(Math.max(last, starts[0] ?? emitted), every, order) ?? Number.POSITIVE_INFINITY;
      if (this.#calm && prompt && starts.length === 1 && next <= emitted)
        this.#find("I13", `${call} has not got event ${next} before ${say}`);
    }
  }

  /** Sessions are lost for reasons that are known. */
  #hasOneSession({ client, at }: Follower, now: number): boolean {
    return this.#log.countExcuses(client, at, now) === 0;
  }

  #goTo(position: number, follower: Follower): void {
    follower.places = [position];
    follower.last = position;
  }

  #key(key: string): PublishedKey {
    const published = this.#keys.get(key) ?? new PublishedKey();
    this.#keys.set(key, published);
    return published;
  }

  #find(invariant: TopicViolation["invariant"], message: string): void {
    this.found.push({ invariant, message });
  }
}

/** How many events a feed keeps that has just let go of the older half of them. */
function leftOf(bufferEvents: number): number {
  return Math.max(1, Math.floor((bufferEvents + 1) / 2));
}

function nameOf({ run, position }: { readonly run: string; readonly position: number }): string {
  return `${run} ${position}`;
}
