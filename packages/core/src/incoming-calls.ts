import { encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import { frameLength } from "./frame.ts";
import { type CallReplies, IncomingCall } from "./incoming-call.ts";
import * as messageType from "./message-type.ts";
import { defaultMaxCalls, defaultMaxFrameBytes, defaultMaxSubscriptions } from "./options.ts";
import type { MessagePipe } from "./pipe.ts";
import {
  badMessage,
  type CalleeMessage,
  type CallerMessage,
  type CallMessage,
  type CancelMessage,
  procedureType,
  type StreamMessage,
} from "./protocol.ts";
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
  /** The largest answer, in bytes. Default 1 MiB. */
  readonly maxFrameBytes?: number;
}

/** The calls that the other end makes through one pipe. */
export class IncomingCalls implements CallReplies {
  readonly #pipe: MessagePipe;
  readonly #server: CallServer;
  readonly #maxCalls: number;
  readonly #maxSubscriptions: number;
  readonly #maxFrameBytes: number;
  readonly #streams: StreamTable | undefined;
  readonly #calls = new Map<number, IncomingCall>();
  #subscriptions = 0;
  #lastId = 0;

  /** @param streams carries the calls' streams; without it there are none. */
  constructor(pipe: MessagePipe, server: CallServer, limits: CallLimits = {}, streams?: StreamTable) {
    this.#pipe = pipe;
    this.#server = server;
    this.#streams = streams;
    this.#maxCalls = limits.maxCalls ?? defaultMaxCalls;
    this.#maxSubscriptions = limits.maxSubscriptions ?? defaultMaxSubscriptions;
    this.#maxFrameBytes = limits.maxFrameBytes ?? defaultMaxFrameBytes;
  }

  /** Whether nothing runs, and nothing flows. */
  get idle(): boolean {
    return this.#calls.size === 0 && (this.#streams === undefined || this.#streams.size === 0);
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
        throw badMessage("no parts yet");
      default:
        return this.#onStreamMessage(message, length);
    }
  }

  /** Aborts every call: nobody waits for them any more. */
  abort(reason: TautlineError): void {
    for (const call of this.#calls.values()) call.abort(reason);
    this.#streams?.abortAll(reason);
  }

  sendReply(message: CalleeMessage): number {
    const encoded = encodeMessage(message, this.#maxFrameBytes);
    this.#pipe.send(encoded);
    return frameLength(encoded);
  }

  sendValue(message: CalleeMessage, value: unknown, call: IncomingCall): number {
    const slots = this.#streams?.prepare(value, call.id);
    const frameLength = this.sendReply(message);
    this.#streams?.start(slots, call);
    return frameLength;
  }

  onSettled(call: IncomingCall): void {
    this.#calls.delete(call.id);
    if (call.type === "subscription") this.#subscriptions--;
    this.#streams?.settle(call.id);
    if (this.#streams?.has(call.id) !== true) this.#server.onSettled(call);
  }

  onStreamsOver(call: IncomingCall): void {
    if (!this.#calls.has(call.id)) this.#server.onSettled(call);
  }

  drained(): Promise<void> | undefined {
    return this.#pipe.drained();
  }

  #onCall([code, id, path, fields, input]: CallMessage): void {
    if (id <= this.#lastId) throw badMessage("call ids only grow");
    this.#lastId = id;
    const type = procedureType(code);
    const call = new IncomingCall(this, { id, type, path, fields, input });
    this.#streams?.accept(input, () => call);
    const [running, most] =
      type === "subscription" ? [this.#subscriptions, this.#maxSubscriptions] : [this.calls, this.#maxCalls];
    this.#calls.set(id, call);
    if (type === "subscription") this.#subscriptions++;
    if (running < most) this.#server.onCall(call);
    else this.#server.onRefused(call, tooMany(most));
  }

  /** For a call that is unknown, or done, it was on its way. */
  #onCredit(id: number, total: number): void {
    this.#calls.get(id)?.onCredit(total);
  }

  #onStreamMessage(message: StreamMessage, length: number): void {
    if (message[1] > this.#lastId) throw badMessage("a stream of no call");
    this.#streams?.receive(message, length);
  }

  /** One for a call that is unknown, or done, changes nothing; but what still flows of it stops. */
  #onCancel([, id, code]: CancelMessage): void {
    const call = this.#calls.get(id);
    if (call === undefined && this.#streams?.has(id) !== true) return;
    const reason = new TautlineError({ code: code === "TIMEOUT" ? code : "CLIENT_CLOSED_REQUEST" });
    this.#streams?.abort(id, reason);
    call?.abort(reason);
  }
}

function tooMany(most: number): TautlineError {
  return new TautlineError({ code: "TOO_MANY_REQUESTS", message: `at most ${most} at a time` });
}
