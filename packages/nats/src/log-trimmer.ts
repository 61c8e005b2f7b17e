import type { HistoryLimits } from "@tautline/server";
import { StreamLost } from "./broker-error.ts";
import { LogReader } from "./log-reader.ts";
import type { NatsLink } from "./nats-link.ts";
import type { NatsStream, StreamRef } from "./nats-stream.ts";
import { send } from "./publisher.ts";
import type { TopicSubjects } from "./subject.ts";

/** A log is looked at once in so many parts of its limit that are published, on the average. */
const looksPerLimit = 4;
/** Keys that wait to be looked at. One more is left to the next publish of its own. */
const maxWaiting = 1_000;

interface Length {
  readonly sequence: number;
  readonly bytes: number;
}

/**
 * Cuts logs off that are too long, which JetStream does not do for single subjects: whoever publishes looks now and then. How far a log
 * was cut off is written down before it is, so that nobody reads on beyond it unawares.
 */
export class LogTrimmer {
  readonly #link: NatsLink;
  readonly #stream: NatsStream;
  readonly #subjects: TopicSubjects;
  readonly #maxBytes: number;
  readonly #waiting = new Set<string>();
  #trimming = false;

  constructor(link: NatsLink, stream: NatsStream, subjects: TopicSubjects, { maxBytes }: HistoryLimits) {
    this.#link = link;
    this.#stream = stream;
    this.#subjects = subjects;
    this.#maxBytes = maxBytes;
  }

  /** So much was published to a key. */
  onPublished(key: string, bytes: number): void {
    if (this.#maxBytes === Number.POSITIVE_INFINITY || this.#waiting.size >= maxWaiting) return;
    if (this.#link.settings.random() * this.#maxBytes >= bytes * looksPerLimit) return;
    this.#waiting.add(key);
    if (!this.#trimming) void this.#trimAll();
  }

  async #trimAll(): Promise<void> {
    this.#trimming = true;
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      try {
        await this.#trim(await this.#stream.open(), key);
      } catch (error) {
        // What publishes next looks again.
        if (!(error instanceof StreamLost || this.#link.closed)) this.#link.settings.onError(error);
      }
    }
    this.#trimming = false;
  }

  async #trim(ref: StreamRef, key: string): Promise<void> {
    const subject = this.#subjects.mark(key);
    const filter = this.#subjects.event(key);
    const mark = await this.#stream.lastOf(ref.name, subject);
    const cutTo = surplusOf(await this.#lengths(ref, filter), this.#maxBytes);
    if (cutTo === undefined) return;
    const payload = Buffer.from(String(cutTo));
    // Where somebody else has cut it off meanwhile, that will do.
    const after = mark?.sequence ?? 0;
    const { type } = await send(this.#link.require(), { subject, payload, after, alone: true, stream: ref.name });
    if (type !== "stored") return;
    await this.#link.ask(ref.name, ({ manager }) => manager.streams.purge(ref.name, { filter, seq: cutTo + 1 }));
  }

  async #lengths(ref: StreamRef, filter: string): Promise<readonly Length[]> {
    const reader = await LogReader.open(this.#link, ref.name, { filter, from: 1, headersOnly: true });
    const lengths: Length[] = [];
    try {
      for (let next = await reader.next(); next !== undefined; next = await reader.next())
        lengths.push({ sequence: next.sequence, bytes: Number(next.message.headers?.get("Nats-Msg-Size") ?? 0) });
    } finally {
      reader.close();
    }
    return lengths;
  }
}

/** The newest that is one too many; undefined where none is. */
function surplusOf(lengths: readonly Length[], maxBytes: number): number | undefined {
  let bytes = 0;
  for (const length of lengths.toReversed()) {
    bytes += length.bytes;
    if (bytes > maxBytes) return length.sequence;
  }
  return undefined;
}
