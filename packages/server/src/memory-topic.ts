import type { Deadline, Deadlines } from "@tautline/core/internals";
import type {
  Closable,
  FollowListener,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Position,
  PositionGap,
  StoredEvent,
} from "./broker.ts";
import { type KeptEvent, MemoryLog } from "./memory-log.ts";

/** What the topics of one backend share. */
export interface TopicHost {
  readonly deadlines: Deadlines;
  /** The end of every log: the newest event of all keys. */
  readonly end: Position;
  now(): number;
  /** A new event's place. */
  nextPosition(): Position;
  /** So much more, or less, is kept. */
  onKept(bytes: number): void;
}

/** What an event takes besides its text, by and large. */
const eventBytes = 256;
/** How long, and how many, ids of events that may be published again are remembered. */
const idsMs = 120_000;
const maxIds = 100_000;
/** Keys of which nothing is kept leave their last offset in one of so many slots, which they share. */
const slots = 4_096;

interface RememberedId {
  readonly position: Position;
  readonly until: number;
}

/** The logs of one topic. A key without events and followers takes no memory. */
export class MemoryTopic {
  readonly #host: TopicHost;
  readonly #limits: HistoryLimits;
  readonly #logs = new Map<string, MemoryLog>();
  /** In the order in which they were published. */
  readonly #ids = new Map<string, RememberedId>();
  readonly #forgotten = new Float64Array(slots);
  readonly #onUnfollowed = (log: MemoryLog): void => this.#forget(log);
  #oldest: KeptEvent | undefined = undefined;
  #newest: KeptEvent | undefined = undefined;
  #expiry: Deadline | undefined = undefined;

  constructor(host: TopicHost, limits: HistoryLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  /** Keys that take memory. */
  get keys(): number {
    return this.#logs.size;
  }

  /** Where the oldest event of all keys is; undefined where none is kept. */
  get oldestOffset(): number | undefined {
    return this.#oldest?.event.position.offset;
  }

  publish(key: string, text: string, id: string | undefined): Position {
    const known = id === undefined ? undefined : this.#recall(key, id);
    if (known !== undefined) return known;
    const position = this.#host.nextPosition();
    if (id !== undefined) this.#remember(key, id, position);
    const log = this.#log(key);
    const event = { position, text };
    this.#keep(log, event);
    this.#trim(log);
    log.deliver(event);
    return position;
  }

  read(key: string, query: HistoryQuery): HistoryPage {
    this.#expire();
    const { end } = this.#host;
    const { after, before } = query;
    const log = this.#logs.get(key);
    const goneTo = log?.goneTo ?? this.#forgottenOf(key);
    const gap = after === undefined ? undefined : gapAfter(after, goneTo, end);
    // What came before a position of another epoch went with it.
    const lost = before !== undefined && before.epoch !== end.epoch;
    if (lost || log === undefined) return { events: [], gap, end };
    const { events, cut } = log.select(query, (gap?.to ?? after)?.offset);
    return { events, gap, end: (cut ? events.at(-1)?.position : undefined) ?? end };
  }

  follow(key: string, listener: FollowListener): Closable {
    return this.#log(key).follow(listener, this.#host.end);
  }

  /** Lets go of the oldest event of all keys. */
  shift(): void {
    if (this.#oldest !== undefined) this.#shift(this.#oldest.log);
  }

  /** Everything is lost, before `end`; followers are told. */
  flush(from: Position, end: Position): void {
    for (let kept = this.#oldest; kept !== undefined; kept = kept.newer) this.#host.onKept(-costOf(kept));
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#ids.clear();
    this.#forgotten.fill(end.offset);
    for (const log of this.#logs.values()) {
      log.clear(end.offset);
      this.#forget(log);
      log.tellGap({ from, to: end });
    }
  }

  #log(key: string): MemoryLog {
    const log = this.#logs.get(key) ?? new MemoryLog(key, this.#forgottenOf(key), this.#onUnfollowed);
    this.#logs.set(key, log);
    return log;
  }

  #keep(log: MemoryLog, event: StoredEvent): void {
    const older = this.#newest;
    const bytes = Buffer.byteLength(event.text);
    const kept = { event, log, bytes, keptAt: this.#host.now(), older, newer: undefined };
    if (older === undefined) this.#oldest = kept;
    else older.newer = kept;
    this.#newest = kept;
    log.push(kept);
    this.#host.onKept(costOf(kept));
    this.#expireLater();
  }

  #trim(log: MemoryLog): void {
    this.#expire();
    const { maxEvents, maxBytes } = this.#limits;
    while (log.size > 0 && (log.size > maxEvents || log.bytes > maxBytes)) this.#shift(log);
  }

  #shift(log: MemoryLog): void {
    const kept = log.shift();
    if (kept === undefined) return;
    if (kept.older === undefined) this.#oldest = kept.newer;
    else kept.older.newer = kept.newer;
    if (kept.newer === undefined) this.#newest = kept.older;
    else kept.newer.older = kept.older;
    this.#host.onKept(-costOf(kept));
    this.#forget(log);
  }

  /** A key of which there is nothing leaves one number behind, so that nobody who comes back to it misses something unheard. */
  #forget(log: MemoryLog): void {
    if (log.size > 0 || log.followers > 0 || this.#logs.get(log.key) !== log) return;
    this.#logs.delete(log.key);
    const slot = slotOf(log.key);
    this.#forgotten[slot] = Math.max(this.#forgotten[slot] ?? 0, log.goneTo);
  }

  #forgottenOf(key: string): number {
    return this.#forgotten[slotOf(key)] ?? 0;
  }

  #expire(): void {
    const until = this.#host.now() - this.#limits.maxAgeMs;
    while (this.#oldest !== undefined && this.#oldest.keptAt <= until) this.#shift(this.#oldest.log);
  }

  /** One deadline, for the oldest. */
  #expireLater(): void {
    if (this.#expiry !== undefined || this.#oldest === undefined) return;
    const leftMs = this.#oldest.keptAt + this.#limits.maxAgeMs - this.#host.now();
    this.#expiry = this.#host.deadlines.add(leftMs, () => {
      this.#expiry = undefined;
      this.#expire();
      this.#expireLater();
    });
  }

  #recall(key: string, id: string): Position | undefined {
    const now = this.#host.now();
    for (const [name, { until }] of this.#ids) {
      if (until > now) break;
      this.#ids.delete(name);
    }
    return this.#ids.get(nameOf(key, id))?.position;
  }

  #remember(key: string, id: string, position: Position): void {
    for (const oldest of this.#ids.keys()) {
      if (this.#ids.size < maxIds) break;
      this.#ids.delete(oldest);
    }
    this.#ids.set(nameOf(key, id), { position, until: this.#host.now() + idsMs });
  }
}

/** What is missing after a position of a log that ends at `end`, and of which what came until `goneTo` is gone. */
function gapAfter(after: Position, goneTo: number, end: Position): PositionGap | undefined {
  // A position that is yet to come is none that was ever given.
  const known = after.epoch === end.epoch && after.offset <= end.offset;
  if (known && after.offset >= goneTo) return undefined;
  return { from: after, to: { epoch: end.epoch, offset: goneTo } };
}

function costOf({ bytes }: KeptEvent): number {
  return bytes + eventBytes;
}

/** No two pairs have the same name. */
function nameOf(key: string, id: string): string {
  return `${key.length}:${key}${id}`;
}

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), of UTF-16 units. */
function slotOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % slots;
}
