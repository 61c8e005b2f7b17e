import { randomBytes } from "node:crypto";
import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import type { Deadline } from "@tautline/core/internals";
import { away } from "./broker-error.ts";
import type { NatsLink, OpenConnection } from "./nats-link.ts";

/** A message as it stands in a stream. */
export interface LogMessage {
  readonly subject: string;
  readonly sequence: number;
  /** When it was stored, in ms since 1970 by the clock of NATS. */
  readonly storedAt: number;
  /** How many there were after it. */
  readonly left: number;
  readonly message: Msg;
}

export interface ReadOptions {
  /** Which messages: a subject, with wildcards or without. */
  readonly filter: string;
  /** From this sequence on. */
  readonly from: number;
  /** Without their texts; `Nats-Msg-Size` says how long they are. Default false. */
  readonly headersOnly?: boolean;
}

interface Fetching {
  readonly deadline: Deadline;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How many messages are asked for at once. */
const batch = 256;
/** What was to be sent may be cut off meanwhile: then NATS, which says nothing of that, ends its answer after so long. */
const expiresNanos = 500_000_000;
/** What NATS does with a reader that nobody closes. */
const inactiveNanos = 30_000_000_000;
/** What NATS ends an answer with: there are none, or no more; there are, but they would be too long together. */
const atEnd: ReadonlySet<number> = new Set([404, 408]);
const tooLong = 409;

/** Reads a stream in its order, by a consumer of its own that is gone when it is closed. */
export class LogReader {
  /** How many messages there were when it began. */
  readonly pending: number;
  readonly #link: NatsLink;
  readonly #connection: OpenConnection;
  readonly #consumer: string;
  readonly #subscription: Subscription;
  /** In their order, but for those before `#next`. */
  #messages: LogMessage[] = [];
  #next = 0;
  #atEnd: boolean;
  #fetching: Fetching | undefined = undefined;

  private constructor(link: NatsLink, connection: OpenConnection, consumer: string, pending: number) {
    this.#link = link;
    this.#connection = connection;
    this.#consumer = consumer;
    this.pending = pending;
    this.#atEnd = pending === 0;
    const { inboxPrefix } = link.settings.connection;
    this.#subscription = connection.nats.subscribe(createInbox(inboxPrefix), {
      callback: (error, message) => (error === null ? this.#onMessage(message) : this.#fail(error)),
    });
    void this.#subscription.closed.then(() => this.#fail(undefined));
  }

  /** @throws StreamLost, TautlineError `SERVICE_UNAVAILABLE` */
  static async open(
    link: NatsLink,
    stream: string,
    { filter, from, headersOnly = false }: ReadOptions,
  ): Promise<LogReader> {
    const consumer = randomBytes(9).toString("base64url");
    const config: Partial<ConsumerConfig> = {
      name: consumer,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, from),
      filter_subject: filter,
      headers_only: headersOnly,
      inactive_threshold: inactiveNanos,
      mem_storage: true,
      num_replicas: 1,
    };
    return await link.ask(stream, async (connection) => {
      const { num_pending } = await connection.manager.consumers.add(stream, config);
      return new LogReader(link, connection, `${stream}.${consumer}`, num_pending);
    });
  }

  /** The next one; undefined where there is none at present. @throws TautlineError `SERVICE_UNAVAILABLE` */
  async next(): Promise<LogMessage | undefined> {
    if (this.#next === this.#messages.length && !this.#atEnd) await this.#fetch();
    return this.#messages[this.#next++];
  }

  close(): void {
    const { nats, inbox } = this.#connection;
    if (nats.isClosed()) return;
    this.#subscription.unsubscribe();
    // It is asked for an answer because NATS does nothing for those who want none.
    const reply = inbox.expect({ onReply: () => inbox.forget(reply), onLost: () => {} });
    nats.publish(`$JS.API.CONSUMER.DELETE.${this.#consumer}`, undefined, { reply });
  }

  async #fetch(): Promise<void> {
    const { nats } = this.#connection;
    if (nats.isClosed()) throw away();
    const maxBytes = 2 * (nats.info?.max_payload ?? 1024 * 1024);
    this.#messages = [];
    this.#next = 0;
    await new Promise<void>((resolve, reject) => {
      const deadline = this.#link.deadlines.add(this.#link.settings.answerMs, () => this.#fail(undefined));
      this.#fetching = { deadline, resolve, reject };
      const request = JSON.stringify({ batch, no_wait: true, max_bytes: maxBytes, expires: expiresNanos });
      nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#consumer}`, request, { reply: this.#subscription.getSubject() });
    });
  }

  #onMessage(message: Msg): void {
    const status = message.headers?.code ?? 0;
    if (status === 0) {
      const read = readMessage(message);
      this.#messages.push(read);
      this.#atEnd = read.left === 0;
      if (this.#atEnd || this.#messages.length === batch) this.#end()?.resolve();
    } else if (atEnd.has(status)) {
      this.#atEnd = true;
      this.#end()?.resolve();
    } else if (status === tooLong && this.#messages.length > 0) this.#end()?.resolve();
    else this.#fail(new Error(`${status} ${message.headers?.description ?? ""}`));
  }

  #fail(cause: unknown): void {
    this.#end()?.reject(away(cause));
  }

  #end(): Fetching | undefined {
    const fetching = this.#fetching;
    this.#fetching = undefined;
    fetching?.deadline.cancel();
    return fetching;
  }
}

/**
 * What NATS says of a message is in the subject on which it would be acknowledged, after `$JS.ACK`: stream, consumer, deliveries, place
 * in the stream, place in the consumer, time, how many are left. Newer servers put domain and account before these.
 */
function readMessage(message: Msg): LogMessage {
  const tokens = (message.reply ?? "").split(".");
  const start = tokens.length > 9 ? 4 : 2;
  return {
    subject: message.subject,
    sequence: Number(tokens[start + 3]),
    storedAt: Number(tokens[start + 5]?.slice(0, -6)),
    left: Number(tokens[start + 6]),
    message,
  };
}
