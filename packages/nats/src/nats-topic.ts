import { createHash } from "node:crypto";
import type {
  BrokerTopic,
  Closable,
  FollowListener,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Position,
  PublishOptions,
} from "@tautline/server";
import { away } from "./broker-error.ts";
import { LogTrimmer } from "./log-trimmer.ts";
import type { NatsLink } from "./nats-link.ts";
import { epochOf, NatsStream, type StreamSpec } from "./nats-stream.ts";
import type { Publisher } from "./publisher.ts";
import { randomId } from "./random-id.ts";
import { TopicSubjects } from "./subject.ts";
import { TopicFollows } from "./topic-follows.ts";
import { idsMs, TopicLog } from "./topic-log.ts";

const nanosPerMs = 1_000_000;

/** A topic in a stream of its own, with a subject for each key. An event's offset is its sequence there, its epoch the stream's. */
export class NatsTopic implements BrokerTopic {
  readonly #publisher: Publisher;
  readonly #stream: NatsStream;
  readonly #subjects: TopicSubjects;
  readonly #log: TopicLog;
  readonly #trimmer: LogTrimmer;
  readonly #follows: TopicFollows;

  constructor(link: NatsLink, publisher: Publisher, name: string, limits: HistoryLimits, probeMs: number) {
    const { prefix } = link.settings;
    this.#publisher = publisher;
    this.#subjects = new TopicSubjects(prefix, name);
    const { all, live } = this.#subjects;
    const config = { ...streamLimits(limits), republish: { src: all, dest: live }, allow_rollup_hdrs: true };
    this.#stream = new NatsStream(link, { label: name, subject: all, config });
    this.#log = new TopicLog(link, this.#stream, this.#subjects, limits);
    this.#trimmer = new LogTrimmer(link, this.#stream, this.#subjects, limits);
    this.#follows = new TopicFollows(link, this.#stream, this.#subjects, this.#log, probeMs);
  }

  async publish(key: string, text: string, { id, waitMs }: PublishOptions): Promise<Position> {
    const subject = this.#subjects.event(key);
    const payload = Buffer.from(text);
    const outgoing = { subject, payload, id: id === undefined ? randomId() : idOf(key, id) };
    const answer = await this.#publisher.publish(this.#stream, outgoing, waitMs);
    if (answer.type === "refused") throw away(answer.reason);
    this.#trimmer.onPublished(key, payload.length);
    return { epoch: epochOf(answer.stream), offset: answer.sequence };
  }

  history(key: string, query: HistoryQuery): Promise<HistoryPage> {
    return this.#log.read(key, query);
  }

  follow(key: string, listener: FollowListener): Closable {
    return this.#follows.follow(key, listener);
  }

  close(): void {
    this.#follows.close();
  }
}

/** JetStream remembers ids for a whole stream. No two pairs are the same text before it is hashed. */
function idOf(key: string, id: string): string {
  return createHash("sha256").update(`${key.length}:${key}${id}`).digest("base64url");
}

function streamLimits({ maxEvents, maxAgeMs }: HistoryLimits): StreamSpec["config"] {
  return {
    // One more shows how far the others are gone; where none is to be kept, one is the least that can be told of.
    max_msgs_per_subject: maxEvents === Number.POSITIVE_INFINITY ? -1 : maxEvents === 0 ? 1 : Math.ceil(maxEvents) + 1,
    max_age: maxAgeMs === Number.POSITIVE_INFINITY ? 0 : Math.ceil(Math.max(maxAgeMs, idsMs) * nanosPerMs),
    duplicate_window: idsMs * nanosPerMs,
  };
}
