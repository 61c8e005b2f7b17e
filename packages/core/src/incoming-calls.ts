import { encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import { type Frame, frameLength } from "./frame.ts";
import { type CallReplies, IncomingCall } from "./incoming-call.ts";
import * as messageType from "./message-type.ts";
import { defaultMaxCalls, defaultMaxFrameBytes, defaultMaxMessageBytes, defaultMaxSubscriptions } from "./options.ts";
import { PartCollector } from "./part-collector.ts";
import type { PartSender } from "./part-sender.ts";
import type { MessagePipe } from "./pipe.ts";
import {
  badMessage,
  type CalleeMessage,
  type CallerMessage,
  type CallerPartMessage,
  type CallMessage,
  type CancelMessage,
  isItemMessage,
  type PeerMessage,
  procedureType,
  type StreamMessage,
} from "./protocol.ts";
import { discardStreams, streamsOf } from "./stream-slot.ts";
import type { StreamTable } from "./stream-table.ts";

/** What answers the other end's calls. */
export interface CallServer {
  onCall(call: IncomingCall): void;
  /** A call over a limit: to be answered with this error. */
  onRefused(call: IncomingCall, error: TautlineError): void;
  /** A call has settled or was aborted, none of its streams flows, and it is forgotten. */
  onSettled(call: IncomingCall): void;
}

/** How much one end does for the other at a time. */
export interface CallLimits {
  /** Queries and mutations in flight. Default 1,000. */
  readonly maxCalls?: number;
  /** Subscriptions. Default 1,000. */
  readonly maxSubscriptions?: number;
  /** The largest answer, in bytes, that goes in one frame. Default 1 MiB. */
  readonly maxFrameBytes?: number;
  /** The largest message that is taken, and sent where the other end takes them, in parts. Default 1 MiB. */
  readonly maxMessageBytes?: number;
}

/** What carries more than messages of one frame. */
export interface CallCarriers {
  /** Carries the calls' streams; without it there are none. */
  readonly streams?: StreamTable | undefined;
  /** Sends large answers; without it they have to fit a frame. */
  readonly parts?: PartSender | undefined;
}

/** The calls that the other end makes through one pipe. */
export class IncomingCalls implements CallReplies {
  readonly pipe: MessagePipe;
  readonly #server: CallServer;
  readonly #maxCalls: number;
  readonly #maxSubscriptions: number;
  readonly #maxReplyBytes: number;
  readonly #streams: StreamTable | undefined;
  readonly #parts: PartSender | undefined;
  readonly #maxMessageBytes: number;
  #collector: PartCollector | undefined = undefined;
  /** Calls of which parts have come. */
  readonly #claimed = new Set<number>();
  readonly #calls = new Map<number, IncomingCall>();
  #subscriptions = 0;
  #lastId = 0;
  /** Items that were sent. */
  #items = 0;

  constructor(pipe: MessagePipe, server: CallServer, limits: CallLimits = {}, { streams, parts }: CallCarriers = {}) {
    this.pipe = pipe;
    this.#server = server;
    this.#streams = streams;
    this.#parts = parts;
    this.#maxMessageBytes = limits.maxMessageBytes ?? defaultMaxMessageBytes;
    this.#maxCalls = limits.maxCalls ?? defaultMaxCalls;
    this.#maxSubscriptions = limits.maxSubscriptions ?? defaultMaxSubscriptions;
    this.#maxReplyBytes = parts === undefined ? (limits.maxFrameBytes ?? defaultMaxFrameBytes) : this.#maxMessageBytes;
  }

  /** Whether nothing runs, and nothing flows. */
  get idle(): boolean {
    return this.#calls.size === 0 && (this.#streams === undefined || this.#streams.size === 0);
  }

  /** Grows with each call, and with each item that is sent: see `StreamHost`. */
  get beside(): number {
    return this.#lastId + this.#items;
  }

  /** All that run, or of which streams flow. */
  get size(): number {
    return this.#calls.size + (this.#streams?.settled ?? 0);
  }

  /** Queries and mutations that run. */
  get calls(): number {
    return this.#calls.size - this.#subscriptions;
  }

  /** Subscriptions that run. */
  get subscriptions(): number {
    return this.#subscriptions;
  }

  /** Takes a call, or the end of one. @throws TautlineError `BAD_MESSAGE` where it breaks the protocol. */
  receive(message: CallerMessage, length = 0): void {
    switch (message[0]) {
      case messageType.query:
      case messageType.mutation:
      case messageType.subscription:
        return this.#onCall(message);
      case messageType.cancel:
        return this.#onCancel(message);
      case messageType.downCredit:
        return message[2] === 0 ? this.#onCredit(message[1], message[3]) : this.#onStreamMessage(message, length);
      case messageType.upPart:
        return this.#onPart(message);
      default:
        return this.#onStreamMessage(message, length);
    }
  }

  /** Aborts every call: nobody waits for them any more. */
  abort(reason: TautlineError): void {
    // First, for a call that is over closes what still comes up as its caller would.
    this.#streams?.abortAll(reason);
    for (const call of this.#calls.values()) call.abort(reason);
    this.#parts?.dropAll();
  }

  sendReply(message: CalleeMessage): number {
    if (isItemMessage(message)) this.#items++;
    const encoded = encodeMessage(message, this.#maxReplyBytes);
    if (this.#parts === undefined) this.pipe.send(encoded);
    else this.#parts.send(message[1], message[0] === messageType.downItem ? message[2] : 0, encoded);
    return frameLength(encoded);
  }

  sendValue(message: CalleeMessage, value: unknown, call: IncomingCall): number {
    const slots = this.#streams?.prepare(value, call.id);
    try {
      const frameLength = this.sendReply(message);
      // Keeping it may have been too much for the session, which has ended its calls then.
      if (call.settled) discardStreams(slots);
      else this.#streams?.start(slots, call);
      return frameLength;
    } catch (error) {
      discardStreams(streamsOf(value));
      throw error;
    }
  }

  /** One whose answer still leaves in parts takes its place until then. */
  onSettled(call: IncomingCall): void {
    const sent = this.#parts?.sent(call.id, 0);
    if (sent === undefined) this.#forget(call);
    else void sent.then(() => this.#forget(call));
  }

  #forget(call: IncomingCall): void {
    this.#calls.delete(call.id);
    if (call.type === "subscription") this.#subscriptions--;
    this.#streams?.settle(call.id);
    if (this.#streams?.has(call.id) !== true) this.#onOver(call);
  }

  onStreamsOver(call: IncomingCall): void {
    if (!this.#calls.has(call.id)) this.#onOver(call);
  }

  #onOver(call: IncomingCall): void {
    this.#collector?.drop(call.id);
    this.#server.onSettled(call);
  }

  drained(id: number, stream: number): Promise<void> | undefined {
    // What holds a stream has left whole before its items do.
    return this.#parts?.sent(id, stream) ?? this.#parts?.sent(id, 0) ?? this.pipe.drained();
  }

  #onCall([code, id, path, fields, input]: CallMessage): void {
    if (!this.#claimed.delete(id)) this.#claim(id);
    const type = procedureType(code);
    const call = new IncomingCall(this, { id, type, path, fields, input });
    this.#streams?.accept(input, () => this.#withStreams(call));
    const [running, most] =
      type === "subscription" ? [this.#subscriptions, this.#maxSubscriptions] : [this.calls, this.#maxCalls];
    this.#calls.set(id, call);
    if (type === "subscription") this.#subscriptions++;
    if (running < most) this.#server.onCall(call);
    else this.#server.onRefused(call, tooMany(most));
  }

  /** What came for a call that was lost before it has begun will not go on. @throws TautlineError `SESSION_LOST`. */
  #withStreams(call: IncomingCall): IncomingCall {
    if (call.settled) throw new TautlineError({ code: "SESSION_LOST" });
    return call;
  }

  #claim(id: number): void {
    if (id <= this.#lastId) throw badMessage("call ids only grow");
    this.#lastId = id;
  }

  /** A call has its place from its first part on: smaller ones may overtake it. */
  #onPart(part: CallerPartMessage): void {
    const [, id, stream] = part;
    this.#collector ??= new PartCollector(this.#maxMessageBytes);
    if (stream === 0 && !this.#collector.has(id)) {
      this.#claim(id);
      this.#claimed.add(id);
    }
    if (id > this.#lastId) throw badMessage("a part of no call");
    // What is over is not put together any more.
    if (stream > 0 && !this.#calls.has(id) && this.#streams?.has(id) !== true) return;
    try {
      const frame = this.#collector.add(part);
      if (frame !== undefined) this.#onWhole(frame, id, stream);
    } catch (thrown) {
      this.#refuse(id, stream, TautlineError.from(thrown));
    }
  }

  #onWhole(frame: Frame, id: number, stream: number): void {
    const [message, ...more] = this.pipe.decode(frame) as PeerMessage[];
    const isOwn = stream === 0 ? isCall(message) : message?.[0] === messageType.upItem && message[2] === stream;
    if (message?.[1] !== id || !isOwn || more.length > 0) throw badMessage("parts of another message");
    this.receive(message as CallerMessage, frame.length);
  }

  /** A message in parts was too much; whatever else is wrong with it breaks the protocol. */
  #refuse(id: number, stream: number, error: TautlineError): void {
    if (error.code !== "PAYLOAD_TOO_LARGE" && error.code !== "TOO_MANY_REQUESTS") throw error;
    if (stream > 0) return this.#streams?.refuse(id, stream, error);
    this.#claimed.delete(id);
    this.#server.onRefused(
      new IncomingCall(this, { id, type: "query", path: "", fields: {}, input: undefined }),
      error,
    );
  }

  /** For a call that is unknown, or done, it was on its way. */
  #onCredit(id: number, total: number): void {
    this.#calls.get(id)?.onCredit(total);
  }

  #onStreamMessage(message: StreamMessage, length: number): void {
    if (this.#streams === undefined || message[1] > this.#lastId) throw badMessage("a stream of no call");
    this.#streams.receive(message, length);
  }

  /** One for a call that is unknown, or done, changes nothing; but what still flows of it stops. */
  #onCancel([, id, code]: CancelMessage): void {
    const call = this.#calls.get(id);
    this.#claimed.delete(id);
    this.#collector?.end(id);
    this.#parts?.drop(id);
    if (call === undefined && this.#streams?.has(id) !== true) return;
    const reason = new TautlineError({ code: code === "TIMEOUT" ? code : "CLIENT_CLOSED_REQUEST" });
    this.#streams?.abort(id, reason);
    call?.abort(reason);
  }
}

function isCall(message: PeerMessage | undefined): boolean {
  const type = message?.[0];
  return type === messageType.query || type === messageType.mutation || type === messageType.subscription;
}

function tooMany(most: number): TautlineError {
  return new TautlineError({ code: "TOO_MANY_REQUESTS", message: `at most ${most} at a time` });
}
