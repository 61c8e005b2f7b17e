import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Deadline } from "@tautline/core/internals";
import type { Closable, FollowListener, Position } from "@tautline/server";
import { StreamLost } from "./broker-error.ts";
import { Follow, type FollowHost } from "./follow.ts";
import { LogReader } from "./log-reader.ts";
import type { LinkUser, NatsLink } from "./nats-link.ts";
import { epochOf, type NatsStream, type StreamExtent, type StreamRef } from "./nats-stream.ts";
import type { TopicSubjects } from "./subject.ts";
import type { TopicLog } from "./topic-log.ts";

interface FollowedKey {
  /** One, by and large: a Set would take more than all the rest. */
  follows: readonly Follow[];
  subscription: Subscription | undefined;
}

/** How many logs are read at once by those who are behind. */
const readers = 16;
const page = { limit: 256, maxBytes: 1024 * 1024 };
/** To look what each key has missed is worth so many events of the topic that have come meanwhile. */
const eventsPerKey = 50;
/** After something did not work that is to be tried again. */
const retryMs = 250;
/** What was stored so long ago has come, over a connection that is still there. */
const settledMs = 5_000;

/**
 * Everybody who follows keys of a topic.
 *
 * JetStream tells what it has stored under a subject for each key, and with it where it is and where the one before it was: a
 * subscription to that subject is all that an idle key takes, and what was lost on the way shows with the next event. What was
 * lost while there was no connection is looked for in the stream, from the cursor on: up to there everybody has heard everything.
 */
export class TopicFollows implements FollowHost, LinkUser {
  readonly #link: NatsLink;
  readonly #stream: NatsStream;
  readonly #subjects: TopicSubjects;
  readonly #log: TopicLog;
  readonly #probeMs: number;
  /** By live subject. */
  readonly #keys = new Map<string, FollowedKey>();
  readonly #starting = new Set<Follow>();
  readonly #behind = new Set<Follow>();
  #readers = 0;
  /** Undefined where nobody knows: before the first follow. */
  #cursor: Position | undefined = undefined;
  /** How far the stream was at an earlier look: the next cursor. */
  #nextCursor: Position | undefined = undefined;
  #nextCursorAt = 0;
  /** Whether everybody who was to be told of something that came while there was no connection is behind, or has heard it. */
  #inStep = false;
  #syncing = false;
  #syncAgain = false;
  #probe: Deadline | undefined = undefined;

  constructor(link: NatsLink, stream: NatsStream, subjects: TopicSubjects, log: TopicLog, probeMs: number) {
    this.#link = link;
    this.#stream = stream;
    this.#subjects = subjects;
    this.#log = log;
    this.#probeMs = probeMs;
    link.attach(this);
  }

  follow(key: string, listener: FollowListener): Closable {
    this.#link.check();
    const follow = new Follow(this, key, listener);
    const subject = this.#subjects.liveEvent(key);
    const followed = this.#keys.get(subject) ?? { follows: [], subscription: undefined };
    this.#keys.set(subject, followed);
    followed.follows = [...followed.follows, follow];
    followed.subscription ??= this.#subscribe(this.#link.connection?.nats, subject);
    this.#starting.add(follow);
    this.#sync();
    return follow;
  }

  onUp({ nats }: { readonly nats: NatsConnection }): void {
    for (const [subject, followed] of this.#keys) followed.subscription = this.#subscribe(nats, subject);
    if (this.#keys.size > 0) this.#sync();
  }

  onDown(): void {
    this.#inStep = false;
    for (const followed of this.#keys.values()) followed.subscription = undefined;
  }

  close(): void {
    this.#probe?.cancel();
    for (const { follows } of this.#keys.values()) for (const follow of follows) follow.close();
  }

  onBehind(follow: Follow): void {
    this.#behind.add(follow);
    this.#read();
  }

  onClosed(follow: Follow): void {
    this.#starting.delete(follow);
    this.#behind.delete(follow);
    const subject = this.#subjects.liveEvent(follow.key);
    const followed = this.#keys.get(subject);
    if (followed === undefined) return;
    followed.follows = followed.follows.filter((other) => other !== follow);
    if (followed.follows.length > 0) return;
    this.#keys.delete(subject);
    followed.subscription?.unsubscribe();
    if (this.#keys.size === 0) this.#rest();
  }

  /** Nobody follows any more: where the stream is does not matter. */
  #rest(): void {
    this.#probe?.cancel();
    this.#probe = undefined;
    this.#cursor = undefined;
    this.#nextCursor = undefined;
    this.#inStep = false;
  }

  #subscribe(nats: NatsConnection | undefined, subject: string): Subscription | undefined {
    return nats?.subscribe(subject, { callback: this.#onMessage });
  }

  /** One for all subscriptions. */
  readonly #onMessage = (error: Error | null, message: Msg): void => {
    if (error !== null) return this.#link.settings.onError(error);
    const followed = this.#keys.get(message.subject);
    const { headers } = message;
    if (followed === undefined || headers === undefined) return;
    const name = headers.get("Nats-Stream");
    const position = { epoch: epochOf(name), offset: Number(headers.get("Nats-Sequence")) };
    if (this.#cursor !== undefined && this.#cursor.epoch !== position.epoch) this.#onOtherStream(position.epoch);
    const event = { position, text: message.string() };
    const previous = Number(headers.get("Nats-Last-Sequence"));
    for (const follow of followed.follows) follow.onLive(event, previous);
  };

  #onOtherStream(epoch: string): void {
    const { ref } = this.#stream;
    if (ref !== undefined && ref.epoch !== epoch) this.#stream.lost(ref.name);
    this.#sync();
  }

  /** Has everybody begin who is to, and everybody be behind who has missed something. */
  #sync(): void {
    this.#syncAgain = true;
    if (this.#syncing || this.#link.connection === undefined) return;
    this.#syncing = true;
    void this.#runSync();
  }

  async #runSync(): Promise<void> {
    while (this.#syncAgain && this.#link.connection !== undefined) {
      this.#syncAgain = false;
      try {
        await this.#syncOnce();
      } catch (error) {
        if (this.#link.closed) break;
        this.#syncAgain = true;
        if (error instanceof StreamLost) this.#stream.lost(error.stream);
        else {
          this.#link.settings.onError(error);
          await this.#link.pause(retryMs);
        }
      }
    }
    this.#syncing = false;
  }

  async #syncOnce(): Promise<void> {
    const { connection } = this.#link;
    // Those who come meanwhile may not hear what comes before the stream is looked at.
    const starting = [...this.#starting];
    const ref = await this.#stream.open();
    const extent = await this.#stream.extent(ref.name);
    const end = { epoch: ref.epoch, offset: extent.last };
    const cursor = this.#cursor;
    if (cursor !== undefined && cursor.epoch !== ref.epoch) this.#allBehind(cursor);
    else if (cursor !== undefined && !this.#inStep) await this.#findBehind(ref, extent, cursor);
    if (this.#link.connection !== connection || this.#keys.size === 0) return;
    this.#advance(end);
    for (const follow of starting) {
      this.#starting.delete(follow);
      follow.start(end);
    }
    this.#read();
    this.#probe ??= this.#link.deadlines.add(this.#probeMs, () => {
      this.#probe = undefined;
      this.#sync();
    });
  }

  #advance(end: Position): void {
    const now = this.#link.now();
    const isNew = !this.#inStep || this.#cursor?.epoch !== end.epoch;
    this.#inStep = true;
    if (!isNew && now - this.#nextCursorAt < settledMs) return;
    this.#cursor = isNew ? end : this.#nextCursor;
    this.#nextCursor = end;
    this.#nextCursorAt = now;
  }

  #allBehind(cursor: Position): void {
    for (const { follows } of this.#keys.values()) for (const follow of follows) this.#setBehind(follow, cursor);
  }

  #setBehind(follow: Follow, cursor: Position): void {
    const { at } = follow;
    if (at !== undefined) follow.fallBehind(at.epoch === cursor.epoch && at.offset < cursor.offset ? cursor : at);
  }

  /** Who has missed something after the cursor. */
  async #findBehind(ref: StreamRef, { first, last }: StreamExtent, cursor: Position): Promise<void> {
    const missed = last - cursor.offset;
    if (missed === 0) return;
    if (first - 1 > cursor.offset || missed > this.#keys.size * eventsPerKey) return this.#allBehind(cursor);
    const reader = await LogReader.open(this.#link, ref.name, {
      filter: this.#subjects.events,
      from: cursor.offset + 1,
      headersOnly: true,
    });
    try {
      for (let next = await reader.next(); next !== undefined; next = await reader.next()) {
        const followed = this.#keys.get(this.#subjects.toLive(next.subject));
        for (const follow of followed?.follows ?? [])
          if ((follow.at?.offset ?? 0) < next.sequence) this.#setBehind(follow, cursor);
      }
    } finally {
      reader.close();
    }
  }

  /** Has so many of those who are behind read as may read at once. */
  #read(): void {
    for (const follow of this.#behind) {
      if (this.#readers >= readers || !this.#inStep) return;
      this.#behind.delete(follow);
      this.#readers++;
      void this.#catchUp(follow);
    }
  }

  async #catchUp(follow: Follow): Promise<void> {
    try {
      while (follow.state === "behind") follow.onPage(await this.#log.read(follow.key, { ...page, after: follow.at }));
    } catch (error) {
      if (follow.state === "behind") this.#behind.add(follow);
      this.#onReadFailed(error);
    }
    this.#readers--;
    this.#read();
  }

  /** Those who are behind wait until everything is in step again. */
  #onReadFailed(error: unknown): void {
    this.#inStep = false;
    if (this.#link.closed || this.#link.connection === undefined) return;
    this.#link.settings.onError(error);
    void this.#link.pause(retryMs).then(() => this.#sync());
  }
}
