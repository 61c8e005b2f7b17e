import type { History, HistoryEntry } from "./history.ts";
import type { HistoryLog } from "./history-log.ts";
import { PublishedKey } from "./published-key.ts";
import { KeyTrack, type TopicFollower } from "./topic-follower.ts";

type Entry<Type extends HistoryEntry["type"]> = Extract<HistoryEntry, { type: Type }>;

/** What an invariant of topics was broken by. */
export interface TopicViolation {
  readonly invariant: "I6" | "I10" | "I11" | "I12" | "I13" | "I14" | "I16" | "I17" | "I18";
  readonly message: string;
}

/** Goes through a history once, and compares what each subscription to a topic got with what was published. */
export function findTopicViolations(history: History, log: HistoryLog): readonly TopicViolation[] {
  const topics = new TopicHistory(history, log);
  history.entries.forEach((entry, order) => topics.take(entry, order));
  return topics.found;
}

class TopicHistory {
  readonly found: TopicViolation[] = [];
  readonly #log: HistoryLog;
  readonly #keys = new Map<string, PublishedKey>();
  readonly #followers = new Map<string, TopicFollower>();
  /** Of each item of a generator: what was published before it was given, and before it had been sent. */
  readonly #emitted = new Map<string, number>();
  readonly #passed = new Map<string, number>();
  #limits: Entry<"topics"> | undefined = undefined;
  #calm = false;

  constructor({ entries }: History, log: HistoryLog) {
    this.#log = log;
    for (const [order, entry] of entries.entries()) {
      if (entry.type === "published") this.#key(entry.key).add(entry.position, entry.length, order);
      else if (entry.type === "lost") this.#key(entry.key).lose(entry.position, order);
      else if (entry.type === "trimmed") this.#key(entry.key).cut(entry.position, order);
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
        return this.#onEntered(entry);
      case "opened":
        for (const track of this.#followers.get(entry.call)?.tracks ?? []) track.starts.push(entry.position);
        return;
      case "quiet":
        for (const follower of this.#followers.values()) this.#checkEnd(follower, order);
        return;
      case "received":
        return this.#checkOrder(entry, order);
      case "started":
      case "snapshot":
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
    const tracks = follows.keys.map((key) => new KeyTrack(key, this.#key(key)));
    const lacksSnapshot = follows.snapshot === "first";
    this.#followers.set(call, { ...follows, at, call, client, tracks, lacksSnapshot, over: false });
  }

  #onEntered({ call, after = 0, places }: Entry<"entered">): void {
    const { tracks = [] } = this.#followers.get(call) ?? {};
    for (const [index, track] of tracks.entries()) track.starts.push(places?.[index] ?? after);
  }

  #hear(
    entry: Entry<"started"> | Entry<"snapshot"> | Entry<"event"> | Entry<"gap"> | Entry<"settled">,
    follower: TopicFollower,
    order: number,
  ): void {
    switch (entry.type) {
      case "started":
        for (const track of follower.tracks) track.begun ??= [...track.starts];
        return;
      case "snapshot":
        return this.#onSnapshot(entry, follower);
      case "event":
        return this.#onEvent(entry, follower, order);
      case "gap":
        if (entry.from !== undefined && entry.to !== undefined)
          return this.#onGap(entry.from, entry.to, follower, order);
        // It begins anew. Whether there was a reason is I10's.
        follower.lacksSnapshot = follower.snapshot === "first";
        for (const track of follower.tracks) track.begun = undefined;
        return;
      case "settled":
        return this.#onSettled(entry, follower, order);
    }
  }

  /** A state has come, of where its id says: what has come of each key up to there is in it, and nothing else. */
  #onSnapshot({ at, counts, id }: Entry<"snapshot">, follower: TopicFollower): void {
    const { call } = follower;
    if (!follower.lacksSnapshot) this.#find("I17", `${call} got a snapshot that it has no need of, at ${at} ms`);
    follower.lacksSnapshot = false;
    for (const [index, track] of follower.tracks.entries()) {
      const place = id[index] ?? 0;
      const [has, is] = [counts[index], track.published.rank(place)];
      if (has !== is)
        this.#find("I17", `${call} got a snapshot with ${has} events of ${track.key}, of ${place}, where it has ${is}`);
      track.goTo(place);
    }
  }

  #onEvent({ at, key, position, length, id }: Entry<"event">, follower: TopicFollower, order: number): void {
    const { call, every, tracks } = follower;
    const index = tracks.findIndex((track) => track.key === key);
    const track = tracks[index];
    const shown = id?.[index] ?? position;
    const isIts = track?.published.lengthAt(position) === length && position % every === 0 && shown === position;
    if (track === undefined || !isIts)
      return this.#find("I6", `${call} of ${keysOf(follower)} got ${key} ${position} as ${shown} at ${at} ms`);
    if (follower.lacksSnapshot) this.#find("I17", `${call} got event ${position} and no snapshot before, at ${at} ms`);
    const nexts = track.nexts(every, order);
    if (!nexts.includes(position)) {
      const isUnheard = nexts.every((next) => track.published.isLoss(next));
      const invariant = isUnheard ? "I18" : tracks.length > 1 ? "I16" : "I11";
      this.#find(invariant, `${call} got event ${position} where ${nexts.join(" or ")} comes, at ${at} ms`);
    }
    track.goTo(position);
    if (id !== undefined) this.#checkOthers(id, track, follower, order);
  }

  /** An id says where the subscription is in its other keys, too. */
  #checkOthers(id: readonly number[], own: KeyTrack, { call, every, tracks }: TopicFollower, order: number): void {
    for (const [index, track] of tracks.entries()) {
      const place = id[index] ?? 0;
      if (track !== own && !track.mayBeAt(place, every, order))
        this.#find("I16", `${call}'s id says ${place} of ${track.key}, where it is at ${track.places.join(" or ")}`);
    }
  }

  #onGap(from: readonly number[], to: readonly number[], follower: TopicFollower, order: number): void {
    const { call, every, tracks, snapshot } = follower;
    follower.lacksSnapshot = snapshot !== "none";
    const wrong: string[] = [];
    let reasons = 0;
    for (const [index, track] of tracks.entries()) {
      const [start = 0, end = 0] = [from[index], to[index]];
      if (!track.mayBeAt(start, every, order)) wrong.push(`it is at ${track.places.join(" or ")} of ${track.key}`);
      // Of all that a snapshot makes up for it is enough that something is gone.
      const gone = snapshot === "none" ? track.published.newest(end) : track.published.next(start, 1, order);
      const isIn = gone !== undefined && gone > start && gone <= end;
      if (isIn && this.#isGone(gone, track.published, follower, order)) reasons++;
      else if (snapshot === "none" && end !== start)
        wrong.push(isIn ? `${gone} could be had` : `there is nothing in it of ${track.key}`);
      track.goTo(end);
    }
    if (reasons === 0 && wrong.length === 0) wrong.push("there is nothing in it that is gone");
    if (wrong.length > 0)
      this.#find("I12", `${call} was told of a gap from ${from.join()} to ${to.join()}, and ${wrong.join(", ")}`);
  }

  /** Whether an event may be had no more: of those that are gone it is the newest. */
  #isGone(position: number, published: PublishedKey, { policy }: TopicFollower, order: number): boolean {
    const newer = published.count(position, order);
    const { historyEvents = 0, bufferEvents = 0 } = this.#limits ?? {};
    if (policy === "latest" && newer > 0) return true;
    return newer >= historyEvents || newer >= leftOf(bufferEvents) || published.isLost(position, order);
  }

  #onSettled({ at, outcome }: Entry<"settled">, follower: TopicFollower, order: number): void {
    const { call, policy, tracks } = follower;
    follower.over = true;
    if (outcome === "cancelled") return;
    const waiting = Math.max(
      ...tracks.flatMap(({ places, published }) => places.map((place) => published.count(place, order))),
    );
    const { bufferEvents = 0 } = this.#limits ?? {};
    const tooSlow = outcome === "TOO_MANY_REQUESTS" && policy === "close" && waiting > leftOf(bufferEvents);
    if (!tooSlow) this.#find("I10", `${call} of ${keysOf(follower)} ended with ${outcome} at ${at} ms`);
  }

  #checkEnd(follower: TopicFollower, order: number): void {
    const { call, every, over, tracks } = follower;
    if (over) return;
    if (follower.lacksSnapshot) this.#find("I17", `${call} of ${keysOf(follower)} has got no snapshot`);
    for (const track of tracks) {
      const nexts = track.nexts(every, order);
      if (nexts.includes(undefined)) continue;
      const places = track.places.join(" or ");
      this.#find("I14", `${call} of ${track.key} is at ${places}, and has not got ${nexts.join(" or ")}`);
    }
  }

  /** An item of a generator has come: what its client follows on the same session has come as far, and no further. */
  #checkOrder(item: Entry<"received">, order: number): void {
    const client = this.#log.calls.get(item.call)?.client;
    const passed = this.#passed.get(nameOf(item)) ?? Number.POSITIVE_INFINITY;
    const emitted = this.#emitted.get(nameOf(item)) ?? 0;
    const say = `item ${item.position} of ${item.run} at ${item.at} ms`;
    for (const follower of this.#followers.values()) {
      if (follower.over || follower.client !== client || !this.#hasOneSession(follower, item.at)) continue;
      const { call, every, prompt, tracks } = follower;
      for (const { last, starts, published } of tracks) {
        if (last > passed) this.#find("I13", `${call} got event ${last} before ${say}, which was sent at ${passed}`);
        const next = published.next(Math.max(last, starts[0] ?? emitted), every, order) ?? Number.POSITIVE_INFINITY;
        if (this.#calm && prompt && starts.length === 1 && next <= emitted)
          this.#find("I13", `${call} has not got event ${next} before ${say}`);
      }
    }
  }

  /** Sessions are lost for reasons that are known. */
  #hasOneSession({ client, at }: TopicFollower, now: number): boolean {
    return this.#log.countExcuses(client, at, now) === 0;
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

function keysOf({ keys }: TopicFollower): string {
  return keys.join(" and ");
}

function nameOf({ run, position }: { readonly run: string; readonly position: number }): string {
  return `${run} ${position}`;
}
