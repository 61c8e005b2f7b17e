import type { HistoryLimits, HistoryPage, HistoryQuery, Position, StoredEvent } from "@tautline/server";
import { away, StreamLost } from "./broker-error.ts";
import { type LogMessage, LogReader } from "./log-reader.ts";
import type { NatsLink } from "./nats-link.ts";
import type { NatsStream, StreamRef } from "./nats-stream.ts";
import { newestOf } from "./newest.ts";
import type { TopicSubjects } from "./subject.ts";

/** JetStream remembers ids for so long, and no longer than it keeps messages. */
export const idsMs = 120_000;

/** What there is of a key's log after an offset. */
interface Rest {
  readonly messages: readonly LogMessage[];
  /** Messages up to this one may be gone. */
  readonly goneTo: number;
  /** There are more. */
  readonly cut: boolean;
}

const nothing: Rest = { messages: [], goneTo: -1, cut: false };
/** How often a log is read anew that lost, while it was read, what was to be read. */
const tries = 10;

/**
 * Reads the logs of a topic's keys.
 *
 * A stream lets go of the oldest messages of a key: what follows a message that is there is all there. It keeps one event of each key
 * more than is to be kept; where there are so many, the oldest only shows how far the others are gone.
 */
export class TopicLog {
  readonly #link: NatsLink;
  readonly #stream: NatsStream;
  readonly #subjects: TopicSubjects;
  readonly #limits: HistoryLimits;

  constructor(link: NatsLink, stream: NatsStream, subjects: TopicSubjects, limits: HistoryLimits) {
    this.#link = link;
    this.#stream = stream;
    this.#subjects = subjects;
    this.#limits = limits;
  }

  /** @throws TautlineError `SERVICE_UNAVAILABLE`, `CONNECTION_CLOSED` */
  async read(key: string, query: HistoryQuery): Promise<HistoryPage> {
    this.#link.require();
    for (let attempt = 1; attempt <= tries; attempt++) {
      const ref = await this.#stream.open();
      const page = await this.#read(ref, key, query, attempt === tries).catch((error: unknown) => {
        if (!(error instanceof StreamLost)) throw error;
        this.#stream.lost(error.stream);
      });
      this.#link.check();
      if (page !== undefined) return page;
    }
    throw away("the stream does not stay");
  }

  /** @param mayGiveUp says that what cannot be read is gone, rather than to be read anew. */
  async #read(ref: StreamRef, key: string, query: HistoryQuery, mayGiveUp: boolean): Promise<HistoryPage | undefined> {
    const { after, before } = query;
    const subject = this.#subjects.event(key);
    const last = (await this.#stream.lastOf(ref.name, subject))?.sequence;
    // What was before a position of another epoch went with it.
    const isLost = before !== undefined && before.epoch !== ref.epoch;
    if (after === undefined) {
      const end = { epoch: ref.epoch, offset: last ?? (await this.#stream.extent(ref.name)).last };
      const messages =
        isLost || last === undefined || this.#keepsNone ? [] : await this.#newest(ref, subject, last, query);
      return { events: this.#events(messages, ref), gap: undefined, end };
    }
    const known = after.epoch === ref.epoch && (await this.#reaches(ref, last, after.offset));
    const from = known ? after.offset : -1;
    const until = isLost ? from : Math.min(last ?? 0, (before?.offset ?? Number.POSITIVE_INFINITY) - 1);
    let rest = await this.#rest(ref, key, last, from, until, query);
    if (rest === undefined && !mayGiveUp) return undefined;
    rest ??= { messages: [], goneTo: last ?? 0, cut: false };
    const gap = rest.goneTo > from || !known ? gapTo(after, ref, rest.goneTo) : undefined;
    const events = this.#events(rest.messages, ref);
    const offset = Math.max(last ?? (await this.#stream.extent(ref.name)).last, from, gap?.to.offset ?? 0);
    const end = (rest.cut ? events.at(-1)?.position : undefined) ?? { epoch: ref.epoch, offset };
    return { events, gap, end };
  }

  get #keepsNone(): boolean {
    return this.#limits.maxEvents === 0;
  }

  /** Whether an offset is one that was given. */
  async #reaches(ref: StreamRef, last: number | undefined, offset: number): Promise<boolean> {
    return (last !== undefined && last >= offset) || (await this.#stream.extent(ref.name)).last >= offset;
  }

  /** Undefined where what was read has gone meanwhile, and there is more. */
  async #rest(
    ref: StreamRef,
    key: string,
    last: number | undefined,
    after: number,
    until: number,
    { limit, maxBytes }: HistoryQuery,
  ): Promise<Rest | undefined> {
    if (last !== undefined && last <= after) return nothing;
    if (this.#keepsNone) return { ...nothing, goneTo: last ?? (await this.#goneTo(ref, key, after, undefined)) };
    const read = new PageReading(limit, maxBytes);
    const pending = until > after ? await this.#readOn(ref, key, after, until, read) : 0;
    const goneTo = Math.max(
      await this.#goneTo(ref, key, after, { pending, oldest: read.messages[0]?.sequence }),
      this.#expiredTo(read.messages),
    );
    const messages = read.messages.filter(({ sequence }) => sequence > goneTo);
    if (messages.length === 0 && read.cut) return undefined;
    return { messages, goneTo, cut: read.cut };
  }

  /** Reads a page; gives how many events there were after the offset. */
  async #readOn(ref: StreamRef, key: string, after: number, until: number, page: PageReading): Promise<number> {
    const filter = this.#subjects.event(key);
    const reader = await LogReader.open(this.#link, ref.name, { filter, from: after + 1 });
    try {
      let message = await reader.next();
      while (message !== undefined && message.sequence <= until && page.take(message)) message = await reader.next();
      return reader.pending;
    } finally {
      reader.close();
    }
  }

  /** How far events after an offset may be gone, as it is known after they were read. */
  async #goneTo(
    ref: StreamRef,
    key: string,
    after: number,
    read: { readonly pending: number; readonly oldest: number | undefined } | undefined,
  ): Promise<number> {
    const subject = this.#subjects.event(key);
    const [first, extent] = await Promise.all([this.#stream.firstOf(ref.name, subject), this.#stream.extent(ref.name)]);
    if (first !== undefined && first.sequence <= after) return -1;
    // All that was before the first message of the stream is gone, whatever key it had.
    const gone = [extent.first - 1 > after ? extent.first - 1 : -1, await this.#cutTo(ref, key)];
    if (first !== undefined && read?.oldest !== undefined) {
      if (read.oldest < first.sequence) gone.push(first.sequence - 1);
      else if (read.pending > this.#limits.maxEvents) gone.push(first.sequence);
    }
    return Math.max(...gone);
  }

  /** How far the log was cut off because it was too long. */
  async #cutTo(ref: StreamRef, key: string): Promise<number> {
    if (this.#limits.maxBytes === Number.POSITIVE_INFINITY) return -1;
    const mark = await this.#stream.lastOf(ref.name, this.#subjects.mark(key));
    return mark === undefined ? -1 : Number(Buffer.from(mark.data).toString());
  }

  /** The newest that is too old, where the stream keeps messages for longer than they are to be kept. */
  #expiredTo(messages: readonly LogMessage[]): number {
    if (this.#limits.maxAgeMs >= idsMs) return -1;
    const oldestAt = Date.now() - this.#limits.maxAgeMs;
    return messages.findLast(({ storedAt }) => storedAt <= oldestAt)?.sequence ?? -1;
  }

  async #newest(ref: StreamRef, subject: string, last: number, query: HistoryQuery): Promise<readonly LogMessage[]> {
    const until = Math.min(last, (query.before?.offset ?? Number.POSITIVE_INFINITY) - 1);
    const open = (from: number): Promise<LogReader> => LogReader.open(this.#link, ref.name, { filter: subject, from });
    const messages = await newestOf(open, until, query.limit);
    const first = await this.#stream.firstOf(ref.name, subject);
    const goneTo = Math.max((first?.sequence ?? last + 1) - 1, this.#expiredTo(messages));
    const page = new PageReading(query.limit, query.maxBytes);
    for (const message of messages.toReversed()) if (message.sequence <= goneTo || !page.take(message)) break;
    return page.messages.toReversed();
  }

  #events(messages: readonly LogMessage[], { epoch }: StreamRef): StoredEvent[] {
    return messages.map(({ sequence, message }) => ({ position: { epoch, offset: sequence }, text: message.string() }));
  }
}

/** Messages of a page, as many as its limits let in. */
class PageReading {
  readonly messages: LogMessage[] = [];
  cut = false;
  readonly #limit: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(limit: number, maxBytes: number) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /** False where there is no room for it. */
  take(message: LogMessage): boolean {
    this.#bytes += message.message.data.length;
    this.cut = this.messages.length >= this.#limit || (this.messages.length > 0 && this.#bytes > this.#maxBytes);
    if (!this.cut) this.messages.push(message);
    return !this.cut;
  }
}

function gapTo(from: Position, { epoch }: StreamRef, offset: number): { from: Position; to: Position } {
  return { from, to: { epoch, offset: Math.max(0, offset) } };
}
