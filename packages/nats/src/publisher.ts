import type { PubAck } from "@nats-io/jetstream";
import { headers as createHeaders, type Msg } from "@nats-io/transport-node";
import { TautlineError } from "@tautline/core";
import { away, outcomeUnknown, StreamLost } from "./broker-error.ts";
import type { Inbox, ReplyHandler } from "./inbox.ts";
import type { NatsLink, OpenConnection } from "./nats-link.ts";
import type { NatsStream } from "./nats-stream.ts";

/** A message to be stored. */
export interface Outgoing {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** The same id is stored once in a stream. */
  readonly id?: string;
  /** Stored only where the subject's newest message is this one; 0: where there is none. */
  readonly after?: number;
  /** It takes the place of all others of its subject. */
  readonly alone?: boolean;
  /** The stream that it is for. Left out: whichever takes the subject. */
  readonly stream?: string;
}

/** What became of a message. */
export type Answer =
  | { readonly type: "stored"; readonly sequence: number; readonly stream: string }
  /** Not stored: the stream is not there, or another is, or `after` is another. */
  | { readonly type: "refused"; readonly code: number; readonly reason: string }
  /** No answer: it may have been stored. */
  | { readonly type: "lost" };

/** What is not to be tried again. */
export type FinalAnswer = Exclude<Answer, { readonly type: "lost" }>;

/** The stream in which a message without an answer may be, and until when JetStream knows it by its id for certain. */
interface Sent {
  to: string | undefined;
  knownUntil: number;
}

interface Away {
  readonly type: "away";
  readonly cause: unknown;
}

/** JetStream's own numbers of errors: another stream takes the subject; nobody does. */
const goneCodes: ReadonlySet<number> = new Set([10_060, 503]);
/** What headers may take. */
const headerBytes = 1_024;
/** JetStream remembers ids for two minutes, and what is sent again may be on its way for long. */
const knownMs = 60_000;
/** Before a message is sent again to a server that did not take it. */
const retryMs = 100;

/** Stores messages in streams, once each. */
export class Publisher {
  readonly #link: NatsLink;
  readonly #maxWaiting: number;
  readonly #maxWaitingBytes: number;
  #waiting = 0;
  #waitingBytes = 0;

  constructor(link: NatsLink, maxWaiting: number, maxWaitingBytes: number) {
    this.#link = link;
    this.#maxWaiting = maxWaiting;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  /**
   * Stores a message that has an id, trying again until its time is over. What JetStream refuses for other reasons than that the stream
   * is gone is not tried again.
   *
   * @throws TautlineError `SERVICE_UNAVAILABLE`, `OUTCOME_UNKNOWN`, `PAYLOAD_TOO_LARGE`, `CONNECTION_CLOSED`
   * @throws StreamLost where the message names its stream.
   */
  async publish(stream: NatsStream, outgoing: Outgoing, waitMs: number): Promise<FinalAnswer> {
    const { length } = outgoing.payload;
    this.#link.check();
    if (this.#waiting >= this.#maxWaiting || this.#waitingBytes + length > this.#maxWaitingBytes)
      throw new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "too much waits for NATS" });
    this.#waiting++;
    this.#waitingBytes += length;
    try {
      return await this.#publish(stream, outgoing, this.#link.now() + waitMs);
    } finally {
      this.#waiting--;
      this.#waitingBytes -= length;
    }
  }

  async #publish(stream: NatsStream, outgoing: Outgoing, giveUpAt: number): Promise<FinalAnswer> {
    const sent: Sent = { to: undefined, knownUntil: Number.POSITIVE_INFINITY };
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attempt(stream, outgoing, giveUpAt, sent);
      const gone = isGone(answer);
      if (answer.type === "stored" || (answer.type === "refused" && !gone)) return answer;
      const isOver = this.#link.closed || this.#link.now() >= Math.min(giveUpAt, sent.knownUntil);
      // Another stream may have taken the place of one that is gone: that is no waiting.
      if (isOver && !(gone && attempt === 1)) throw sent.to === undefined ? away(answer) : outcomeUnknown(answer);
      if (answer.type === "away" || (gone && attempt > 1)) await this.#link.pause(retryMs);
    }
  }

  async #attempt(stream: NatsStream, outgoing: Outgoing, giveUpAt: number, sent: Sent): Promise<Answer | Away> {
    try {
      const waitUntil = Math.min(giveUpAt, sent.knownUntil);
      if (this.#link.connection === undefined) await this.#link.whenUp(waitUntil - this.#link.now());
      const ref = stream.ref ?? (await stream.open());
      // What was lost with its stream would be there a second time for those who have seen it there.
      if (sent.to !== undefined && sent.to !== ref.name) throw outcomeUnknown();
      if (outgoing.stream !== undefined && outgoing.stream !== ref.name) throw new StreamLost(outgoing.stream);
      const message = sent.to === undefined ? outgoing : { ...outgoing, stream: sent.to };
      const knownUntil = this.#link.now() + knownMs;
      const answer = await send(this.#link.require(), message);
      if (answer.type === "lost" && sent.to === undefined) Object.assign(sent, { to: ref.name, knownUntil });
      if (answer.type === "stored") stream.saw(answer.stream, answer.sequence);
      const isOther = answer.type === "stored" && answer.stream !== ref.name;
      if (isOther || isGone(answer)) stream.lost(ref.name);
      return answer;
    } catch (error) {
      if (sent.to !== undefined && this.#link.closed) throw outcomeUnknown(error);
      const isFinal =
        error instanceof TautlineError ? error.code !== "SERVICE_UNAVAILABLE" : error instanceof StreamLost;
      if (isFinal) throw error;
      return { type: "away", cause: error };
    }
  }
}

/** Sends a message to be stored. */
export async function send({ nats, inbox }: OpenConnection, outgoing: Outgoing): Promise<Answer> {
  const { subject, payload, id, after, alone, stream } = outgoing;
  const maxBytes = (nats.info?.max_payload ?? Number.POSITIVE_INFINITY) - headerBytes;
  if (payload.length > maxBytes)
    throw new TautlineError({ code: "PAYLOAD_TOO_LARGE", message: `NATS takes ${maxBytes} bytes at most` });
  const headers = createHeaders();
  if (stream !== undefined) headers.set("Nats-Expected-Stream", stream);
  if (id !== undefined) headers.set("Nats-Msg-Id", id);
  if (after !== undefined) headers.set("Nats-Expected-Last-Subject-Sequence", String(after));
  if (alone === true) headers.set("Nats-Rollup", "sub");
  return await new Promise((resolve) => {
    const pending = new PendingAnswer(inbox, resolve);
    nats.publish(subject, payload, { reply: pending.reply, headers });
  });
}

class PendingAnswer implements ReplyHandler {
  readonly reply: string;
  readonly #inbox: Inbox;
  readonly #resolve: (answer: Answer) => void;

  constructor(inbox: Inbox, resolve: (answer: Answer) => void) {
    this.#inbox = inbox;
    this.#resolve = resolve;
    this.reply = inbox.expect(this);
  }

  onReply(message: Msg): void {
    this.#inbox.forget(this.reply);
    this.#resolve(readAnswer(message));
  }

  onLost(): void {
    this.#resolve({ type: "lost" });
  }
}

/** Whether the stream that it was for is not there any more. */
function isGone(answer: Answer | Away): boolean {
  return answer.type === "refused" && goneCodes.has(answer.code);
}

function readAnswer(message: Msg): Answer {
  const status = message.headers?.code ?? 0;
  if (status !== 0) return { type: "refused", code: status, reason: message.headers?.description ?? "" };
  try {
    const { stream, seq, error } = message.json<
      Partial<PubAck> & { error?: { err_code?: number; description?: string } }
    >();
    if (error !== undefined)
      return { type: "refused", code: error.err_code ?? 0, reason: error.description ?? "refused" };
    if (typeof stream === "string" && typeof seq === "number") return { type: "stored", sequence: seq, stream };
  } catch {}
  return { type: "lost" };
}
