import { TautlineError } from "@tautline/core";
import { isTrackedEnvelope } from "@trpc/server";
import type { Closable, Position } from "./broker.ts";
import { formatPosition, parsePosition, snapshotDue } from "./event-id.ts";
import { type FeedEvent, FeedGap, isSame, type TopicItem } from "./feed-entry.ts";
import { Gap } from "./gap.ts";
import { type CursorOwner, KeyCursor } from "./key-cursor.ts";
import type { KeyFeed } from "./key-feed.ts";
import type { ReadPlan, ReadReceiver } from "./read-plan.ts";
import { checkData, type ItemCheck } from "./subscription-items.ts";
import { isThenable, unheard } from "./thenable.ts";

/** One run through the events of a topic's keys: a place in each key's log, and what goes between the events. */
export class TopicReader implements CursorOwner {
  readonly #plan: ReadPlan;
  readonly #receiver: ReadReceiver;
  readonly #after: string | undefined;
  #cursors: readonly KeyCursor[] = [];
  #presence: Closable | undefined = undefined;
  #starting: number;
  #closed = false;
  /** Whether the receiver is to be told when there is something. */
  #waiting = true;
  /** Goes before the next entry. */
  #extras: (TopicItem | Gap)[] | undefined = undefined;
  #takingSnapshot = false;
  /** Where the last snapshot said that it is of; the same objects as the cursors have. */
  #snapshotAt: readonly Position[] = [];
  /** Of snapshots in a row, what history did not go on from. */
  #deadEnds: Map<KeyCursor, Position> | undefined = undefined;
  /** Whether what was taken last was an entry. */
  #tookEntry = false;

  /** @param after an id to go on after. */
  constructor(plan: ReadPlan, receiver: ReadReceiver, after: string | undefined) {
    this.#plan = plan;
    this.#receiver = receiver;
    this.#after = after;
    this.#starting = plan.keys.length;
  }

  /** Begins. What goes wrong is told to the receiver, here too. */
  open(): void {
    try {
      const positions = this.#after === undefined ? undefined : this.#parse(this.#after);
      this.#presence = this.#plan.join();
      this.#cursors = this.#plan.keys.map(
        (key, index) => new KeyCursor(this, this.#plan.topic.feed(key), positions?.[index]),
      );
      for (const cursor of this.#cursors) if (!this.#closed) cursor.open();
    } catch (error) {
      this.#end(error);
    }
  }

  /** Ends it without a word. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const cursor of this.#cursors) cursor.close();
    this.#presence?.close();
  }

  /** Whether it has given all there is, as far as that is seen at a glance; then the receiver will be told when there is more. */
  waits(): boolean {
    const cursor = this.#cursors[0];
    if (this.#closed || this.#cursors.length > 1 || !this.steady || cursor?.next !== cursor?.feed.end) return false;
    this.#waiting = true;
    return true;
  }

  /** What comes next; undefined where nothing is there: the receiver will be told. Never throws. */
  take(): TopicItem | Gap | undefined {
    try {
      const next = this.#closed ? undefined : this.#take();
      this.#waiting = next === undefined;
      return next;
    } catch (error) {
      this.#end(error);
      return undefined;
    }
  }

  /** The feed whose events it gives as they are; undefined where it gives anything else. */
  get feed(): KeyFeed | undefined {
    const { list, stages } = this.#plan;
    return list === undefined && stages.length === 0 ? this.#cursors[0]?.feed : undefined;
  }

  /** How the contract has its events checked. */
  get check(): ItemCheck | undefined {
    return this.#plan.check;
  }

  /** The number of the entry of `feed` that was taken last; undefined where something else was. */
  get taken(): number | undefined {
    const cursor = this.#cursors[0];
    return this.#tookEntry && cursor?.live === true ? cursor.next - 1 : undefined;
  }

  /** The number of the entry of `feed` to be taken next. */
  get next(): number {
    return this.#cursors[0]?.next ?? 0;
  }

  /** Whether the next that it gives is that entry. */
  get steady(): boolean {
    const extras = this.#extras?.length ?? 0;
    return this.#cursors[0]?.live === true && !this.#takingSnapshot && extras === 0;
  }

  /** Somebody else brings what comes of `feed`, until `wake`; it has given all there is. */
  rest(): void {
    this.#waiting = true;
    this.#cursors[0]?.rest();
  }

  /** Gives what comes by itself again, this entry of `feed` first. */
  wake(next: number): void {
    if (!this.#closed) this.#cursors[0]?.wake(next);
  }

  onCursorStarted(): void {
    if (this.#starting === 0) this.#wake();
    else if (--this.#starting === 0) this.#begin();
  }

  onCursorReady(): void {
    this.#wake();
  }

  onOverrun(): void {
    if (this.#plan.policy !== "close") return;
    this.#end(new TautlineError({ code: "TOO_MANY_REQUESTS", message: "events come faster than they are taken" }));
  }

  onCursorFailed(error: unknown): void {
    this.#end(error);
  }

  #begin(): void {
    try {
      const id = this.#id();
      const unknown = this.#after !== undefined && this.#parse(this.#after) === undefined;
      if (unknown) this.#push(this.#tellGap(this.#after ?? "", this.#plan.options.snapshot ? id + snapshotDue : id));
      const recovered = !unknown && this.#cursors.every((cursor) => cursor.recovered);
      this.#receiver.onStarted({ id, recovered: this.#after === undefined ? undefined : recovered });
      if (this.#after === undefined || unknown || this.#after.endsWith(snapshotDue)) this.#takeSnapshot();
      this.#wake();
    } catch (error) {
      this.#end(error);
    }
  }

  #wake(): void {
    if (this.#closed || !this.#waiting || this.#starting > 0) return;
    this.#waiting = false;
    this.#receiver.onReady();
  }

  #end(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#receiver.onEnded(error);
  }

  #take(): TopicItem | Gap | undefined {
    while (!this.#takingSnapshot) {
      const extra = this.#extras?.shift();
      this.#tookEntry = extra === undefined;
      if (extra !== undefined) return extra;
      const cursor = this.#nextCursor();
      if (cursor === undefined) return undefined;
      const next = this.#plan.policy === "latest" ? this.#takeLatest(cursor) : this.#takeNext(cursor);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** The one with what has come first. */
  #nextCursor(): KeyCursor | undefined {
    let next: KeyCursor | undefined;
    let arrival = Number.POSITIVE_INFINITY;
    for (const cursor of this.#cursors) {
      if (cursor.arrival >= arrival) continue;
      next = cursor;
      arrival = cursor.arrival;
    }
    return next;
  }

  #takeNext(cursor: KeyCursor): TopicItem | Gap | undefined {
    const from = cursor.position;
    const entry = cursor.take();
    if (entry instanceof FeedGap) return this.#onGap(cursor, from);
    return entry && this.#toItem(entry);
  }

  /** The newest that a key has, after word of what was skipped for it; where there is none, what a snapshot makes up for. */
  #takeLatest(cursor: KeyCursor): TopicItem | Gap | undefined {
    const from = cursor.position;
    let newest: TopicItem | undefined;
    let skippedTo: Position | undefined;
    for (
      let before = from, entry = cursor.take();
      entry !== undefined;
      before = cursor.position, entry = cursor.take()
    ) {
      const item = entry instanceof FeedGap ? undefined : this.#toItem(entry);
      if (entry instanceof FeedGap) skippedTo = entry.position;
      else if (item !== undefined && newest !== undefined) skippedTo = before;
      newest = entry instanceof FeedGap ? undefined : (item ?? newest);
    }
    if (skippedTo === undefined) return newest;
    // The newest is in the snapshot.
    if (this.#plan.options.snapshot !== undefined) return this.#onGap(cursor, from);
    const gap = this.#tellGap(this.#id(cursor, from), this.#id(cursor, skippedTo));
    if (newest !== undefined) this.#push(newest);
    return gap;
  }

  /** What is missing is in a newer snapshot, where there are snapshots. */
  #onGap(gone: KeyCursor, position: Position): Gap {
    const from = this.#id(gone, position);
    if (this.#plan.options.snapshot === undefined) return this.#tellGap(from, this.#id());
    if (!this.#snapshotAt.includes(position)) this.#deadEnds = undefined;
    else this.#deadEnds = new Map(this.#deadEnds).set(gone, position);
    for (const cursor of this.#cursors) cursor.seek(undefined);
    const gap = this.#tellGap(from, this.#id() + snapshotDue);
    this.#takeSnapshot();
    return gap;
  }

  #tellGap(from: string, to: string): Gap {
    const gap = new Gap(from, to);
    const data = this.#plan.options.onGap?.(gap);
    if (data !== undefined) this.#push(this.#checked(to, data));
    return gap;
  }

  /** Of where everything is now. What comes meanwhile comes after it. */
  #takeSnapshot(): void {
    const { snapshot } = this.#plan.options;
    if (snapshot === undefined || this.#closed) return;
    const at = this.#id();
    this.#takingSnapshot = true;
    const taken = snapshot(at);
    if (!isThenable(taken)) return this.#onSnapshot(taken, at);
    taken
      .then((value) => {
        this.#onSnapshot(value, at);
        this.#wake();
      })
      .then(undefined, (error: unknown) => this.#end(error));
  }

  /** One that says of what it is, as `tracked(id, …)`, is followed from there. */
  #onSnapshot(value: unknown, at: string): void {
    if (this.#closed) return;
    const [id, data] = isTrackedEnvelope(value) ? value : [at, value];
    // Whoever is woken by this finds nothing yet: the snapshot comes first, and all keys go on from where it is of.
    if (id !== at) this.#seek(id);
    this.#takingSnapshot = false;
    this.#push(this.#checked(this.#id(), data));
  }

  /** Where the gap was told of that is after it, and the newer snapshot is of the same, it goes on from now: or else for ever. */
  #seek(id: string): void {
    const positions = this.#parse(id);
    if (positions === undefined) throw new TypeError(`a snapshot's id is none of this topic: ${id}`);
    this.#snapshotAt = positions;
    for (const [index, cursor] of this.#cursors.entries()) {
      const [position, end] = [positions[index], this.#deadEnds?.get(cursor)];
      if (position !== undefined && (end === undefined || !isSame(end, position))) cursor.seek(position);
    }
  }

  /** An event after all stages; undefined where it is filtered out. What no stage has changed is the same object for everybody. */
  #toItem(event: FeedEvent): TopicItem | undefined {
    const { stages, check, list } = this.#plan;
    let data: unknown;
    let mapped = false;
    for (const stage of stages) {
      if (!mapped) data = event.data;
      if (stage.kind === "filter") {
        if (!stage.passes(data, event)) return undefined;
      } else {
        data = stage.map(data, event);
        mapped = true;
      }
    }
    if (mapped) return this.#checked(list === undefined ? event.id : this.#id(), data);
    const item = check === undefined ? event : event.checked(check);
    return list === undefined ? item : { id: this.#id(), data: item.data };
  }

  #checked(id: string, data: unknown): TopicItem {
    const { check } = this.#plan;
    if (check === undefined) return { id, data: unheard(data) };
    const checked = isThenable(data) ? data.then((value) => checkData(value, check)) : checkData(data, check);
    return { id, data: unheard(checked) };
  }

  #push(extra: TopicItem | Gap): void {
    this.#extras ??= [];
    this.#extras.push(extra);
  }

  /** Where it is: in all keys; with one of them elsewhere, where that is given. */
  #id(moved?: KeyCursor, position?: Position): string {
    const { list } = this.#plan;
    const positions = this.#cursors.map((cursor) => (cursor === moved && position ? position : cursor.position));
    const [only] = positions;
    return list === undefined && only !== undefined ? formatPosition(only) : (list?.format(positions) ?? "");
  }

  #parse(id: string): readonly Position[] | undefined {
    const { list } = this.#plan;
    if (list !== undefined) return list.parse(id);
    const position = parsePosition(id);
    return position && [position];
  }
}
