import { encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
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
} from "./protocol.ts";

/** What answers the other end's calls. */
export interface CallServer {
  onCall(call: IncomingCall): void;
  /** A call over a limit: to be answered with this error. */
  onRefused(call: IncomingCall, error: TautlineError): void;
  /** A call has settled or was aborted, and is forgotten. */
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
  readonly #calls = new Map<number, IncomingCall>();
  #subscriptions = 0;
  #lastId = 0;

  constructor(pipe: MessagePipe, server: CallServer, limits: CallLimits = {}) {
    this.#pipe = pipe;
    this.#server = server;
    this.#maxCalls = limits.maxCalls ?? defaultMaxCalls;
    this.#maxSubscriptions = limits.maxSubscriptions ?? defaultMaxSubscriptions;
    this.#maxFrameBytes = limits.maxFrameBytes ?? defaultMaxFrameBytes;
  }

  /** All that run. */
  get size(): number {
    return this.#calls.size;
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
  receive(message: CallerMessage, _length = 0): void {
    switch (message[0]) {
      case messageType.query:
      case messageType.mutation:
      case messageType.subscription:
        return this.#onCall(message);
      case messageType.cancel:
        return this.#onCancel(message);
      case messageType.downCredit:
        return this.#onCredit(message[1], message[2], message[3]);
      default:
        throw badMessage("not yet");
    }
  }

  /** Aborts every call: nobody waits for them any more. */
  abort(reason: TautlineError): void {
    for (const call of this.#calls.values()) call.abort(reason);
  }

  sendReply(message: CalleeMessage): number {
    const text = encodeMessage(message, this.#maxFrameBytes);
    this.#pipe.send(text);
    return text.length + 2;
  }

  onSettled(call: IncomingCall): void {
    this.#calls.delete(call.id);
    if (call.type === "subscription") this.#subscriptions--;
    this.#server.onSettled(call);
  }

  drained(): Promise<void> | undefined {
    return this.#pipe.drained();
  }

  #onCall([code, id, path, fields, input]: CallMessage): void {
    if (id <= this.#lastId) throw badMessage("call ids only grow");
    this.#lastId = id;
    const type = procedureType(code);
    const call = new IncomingCall(this, { id, type, path, fields, input });
    const [running, most] =
      type === "subscription" ? [this.#subscriptions, this.#maxSubscriptions] : [this.calls, this.#maxCalls];
    this.#calls.set(id, call);
    if (type === "subscription") this.#subscriptions++;
    if (running < most) this.#server.onCall(call);
    else this.#server.onRefused(call, tooMany(most));
  }

  /** For a call that is unknown, or done, it was on its way. */
  #onCredit(id: number, stream: number, total: number): void {
    if (stream === 0) this.#calls.get(id)?.onCredit(total);
  }

  /** One for a call that is unknown, or done, changes nothing. */
  #onCancel([, id, code]: CancelMessage): void {
    const reason = code === "TIMEOUT" ? code : "CLIENT_CLOSED_REQUEST";
    this.#calls.get(id)?.abort(new TautlineError({ code: reason }));
  }
}

function tooMany(most: number): TautlineError {
  return new TautlineError({ code: "TOO_MANY_REQUESTS", message: `at most ${most} at a time` });
}
