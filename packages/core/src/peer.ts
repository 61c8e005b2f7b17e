import type { ProcedureType } from "./contract.ts";
import { encodeCall, encodeMessage, encodeValue } from "./codec.ts";
import { isErrorCode, TautlineError } from "./errors.ts";
import { type CallReplies, IncomingCall } from "./incoming-call.ts";
import { defaultMaxCalls, defaultMaxFrameBytes, defaultMaxSubscriptions } from "./options.ts";
import {
  badMessage,
  type CalleeMessage,
  type CallFields,
  procedureType,
  type CallMessage,
  type CancelMessage,
  messageType,
  type PeerMessage,
} from "./protocol.ts";

/** What a peer sends through: messages go in at one end and come out at the other in order. */
export interface MessagePipe {
  /** Takes an encoded message. */
  send(message: string): void;
  /** Resolves when more can be sent without growing memory; undefined while that is so. */
  drained(): Promise<void> | undefined;
}

/** What a caller hears of its call. After `onResult`, `onError`, `onEnd` or `onFailed` it hears nothing more. */
export interface CallObserver {
  onResult(value: unknown): void;
  /** The other end's error, as a shape still to be read by the transformer. */
  onError(shape: unknown): void;
  onStarted(): void;
  onItem(value: unknown, eventId: string | undefined): void;
  onEnd(): void;
  /** An error of this end: the connection, the session, the client. */
  onFailed(error: TautlineError): void;
}

/** What answers the other end's calls. */
export interface CallServer {
  onCall(call: IncomingCall): void;
  /** A call over a limit: to be answered with this error. */
  onRefused(call: IncomingCall, error: TautlineError): void;
  /** A call has settled or was aborted, and is forgotten. */
  onSettled(call: IncomingCall): void;
}

export interface PeerOptions {
  /** Without it, every incoming call is answered with `NOT_FOUND`. */
  readonly server?: CallServer;
  /** Queries and mutations in flight for the other end. Default 1,000. */
  readonly maxCalls?: number;
  /** Subscriptions held for the other end. Default 1,000. */
  readonly maxSubscriptions?: number;
  /** Default 1 MiB. */
  readonly maxFrameBytes?: number;
}

interface OutgoingCall {
  readonly type: ProcedureType;
  readonly path: string;
  /** As JSON. */
  readonly input: string | undefined;
  readonly observer: CallObserver;
  lastEventId: string | undefined;
  sent: boolean;
}

const noServer: CallServer = {
  onCall: (call) => call.sendError({ message: "no procedures here", code: -32004, data: { code: "NOT_FOUND" } }),
  onRefused: (call, error) => call.sendError({ message: error.message, code: -32029, data: { code: error.code } }),
  onSettled: () => {},
};

/**
 * One end of the conversation: calls the other end's procedures and answers its calls. Both ends are the same code. A peer knows
 * nothing of sockets; it is attached to a pipe, and may outlive it.
 */
export class Peer implements CallReplies {
  readonly #server: CallServer;
  readonly #maxCalls: number;
  readonly #maxSubscriptions: number;
  readonly #maxFrameBytes: number;
  readonly #outgoing = new Map<number, OutgoingCall>();
  readonly #incoming = new Map<number, IncomingCall>();
  #pipe: MessagePipe | undefined = undefined;
  #lastId = 0;
  #lastIncomingId = 0;
  #subscriptions = 0;

  constructor(options: PeerOptions = {}) {
    this.#server = options.server ?? noServer;
    this.#maxCalls = options.maxCalls ?? defaultMaxCalls;
    this.#maxSubscriptions = options.maxSubscriptions ?? defaultMaxSubscriptions;
    this.#maxFrameBytes = options.maxFrameBytes ?? defaultMaxFrameBytes;
  }

  /** Calls of this end that have not settled. */
  get outgoingCalls(): number {
    return this.#outgoing.size;
  }

  /** Queries and mutations of the other end that run here. */
  get incomingCalls(): number {
    return this.#incoming.size - this.#subscriptions;
  }

  /** Subscriptions of the other end that run here. */
  get incomingSubscriptions(): number {
    return this.#subscriptions;
  }

  /** Sends through this pipe from now on, first what has waited for one. */
  attach(pipe: MessagePipe): void {
    this.#pipe = pipe;
    for (const [id, call] of this.#outgoing) this.#sendCall(id, call);
  }

  /**
   * The pipe is gone, and with it whatever the other end kept for this one. Incoming calls are aborted. Outgoing queries and
   * subscriptions wait for the next pipe and start again there; mutations that were sent fail with `OUTCOME_UNKNOWN`, unless
   * `started` is false: the other end is known to have started none.
   */
  detach(reason: TautlineError, { started }: { started: boolean }): void {
    this.#pipe = undefined;
    this.#abortIncoming(reason);
    for (const [id, call] of this.#outgoing) {
      if (call.sent && started && call.type === "mutation") this.#fail(id, call, outcomeUnknown(reason));
      call.sent = false;
    }
  }

  /** Ends every call in both directions. */
  close(reason: TautlineError): void {
    this.#pipe = undefined;
    this.#abortIncoming(reason);
    for (const [id, call] of this.#outgoing) {
      const unknown = call.sent && call.type === "mutation";
      this.#fail(id, call, unknown ? outcomeUnknown(reason) : reason);
    }
  }

  /**
   * Calls a procedure of the other end; without a pipe the call waits for one.
   *
   * @returns the call's id, for `cancel`.
   * @throws TautlineError `BAD_REQUEST` where the input cannot be written as JSON, `PAYLOAD_TOO_LARGE`; then nothing is sent.
   */
  call(type: ProcedureType, path: string, input: unknown, observer: CallObserver, lastEventId?: string): number {
    const call: OutgoingCall = { type, path, input: encodeValue(input), observer, lastEventId, sent: false };
    const id = ++this.#lastId;
    const text = this.#encode(id, call);
    this.#outgoing.set(id, call);
    if (this.#pipe !== undefined) {
      call.sent = true;
      this.#pipe.send(text);
    }
    return id;
  }

  /** Ends a call of this end; its observer hears nothing more. `code` tells the other end why. */
  cancel(id: number, code?: "TIMEOUT"): void {
    const call = this.#outgoing.get(id);
    if (call === undefined) return;
    this.#outgoing.delete(id);
    if (!call.sent || this.#pipe === undefined) return;
    this.#pipe.send(encodeMessage(code === undefined ? [messageType.cancel, id] : [messageType.cancel, id, code]));
  }

  /**
   * Takes a message from the other end.
   *
   * @throws TautlineError `BAD_MESSAGE` where it breaks the protocol.
   */
  receive(message: PeerMessage): void {
    switch (message[0]) {
      case messageType.query:
      case messageType.mutation:
      case messageType.subscription:
        return this.#onCall(message);
      case messageType.cancel:
        return this.#onCancel(message);
      case messageType.result:
        return this.#take(message[1])?.onResult(message[2]);
      case messageType.error:
        return this.#take(message[1])?.onError(message[2]);
      case messageType.started:
        return this.#find(message[1])?.observer.onStarted();
      case messageType.item:
        return this.#find(message[1])?.observer.onItem(message[2], undefined);
      case messageType.trackedItem:
        return this.#onTrackedItem(message[1], message[2], message[3]);
      case messageType.end:
        return this.#take(message[1])?.onEnd();
      default:
        return unreachable(message);
    }
  }

  sendReply(message: CalleeMessage): void {
    this.#pipe?.send(encodeMessage(message, this.#maxFrameBytes));
  }

  onSettled(call: IncomingCall): void {
    this.#incoming.delete(call.id);
    if (call.type === "subscription") this.#subscriptions--;
    this.#server.onSettled(call);
  }

  drained(): Promise<void> | undefined {
    return this.#pipe?.drained();
  }

  #onCall(message: CallMessage): void {
    const [code, id, path, fields, input] = message;
    if (id <= this.#lastIncomingId) throw badMessage("call ids only grow");
    this.#lastIncomingId = id;
    const type = procedureType(code);
    const call = new IncomingCall(this, { id, type, path, fields, input });
    const refusal = this.#refusal(type);
    this.#incoming.set(id, call);
    if (type === "subscription") this.#subscriptions++;
    if (refusal === undefined) this.#server.onCall(call);
    else this.#server.onRefused(call, refusal);
  }

  #refusal(type: ProcedureType): TautlineError | undefined {
    if (type === "subscription" ? this.#subscriptions < this.#maxSubscriptions : this.incomingCalls < this.#maxCalls) {
      return undefined;
    }
    const most = type === "subscription" ? this.#maxSubscriptions : this.#maxCalls;
    return new TautlineError({ code: "TOO_MANY_REQUESTS", message: `at most ${most} at a time` });
  }

  #onCancel([, id, code]: CancelMessage): void {
    this.#incoming.get(id)?.abort(new TautlineError({ code: isErrorCode(code) ? code : "CLIENT_CLOSED_REQUEST" }));
  }

  #onTrackedItem(id: number, eventId: string, value: unknown): void {
    const call = this.#find(id);
    if (call === undefined) return;
    call.lastEventId = eventId;
    call.observer.onItem(value, eventId);
  }

  /** The call that an answer is for; undefined for one that was cancelled: its answer is left out. */
  #find(id: number): OutgoingCall | undefined {
    if (id > this.#lastId) throw badMessage("an answer to a call that was never made");
    return this.#outgoing.get(id);
  }

  /** The observer of a call that settles now. */
  #take(id: number): CallObserver | undefined {
    const call = this.#find(id);
    this.#outgoing.delete(id);
    return call?.observer;
  }

  #sendCall(id: number, call: OutgoingCall): void {
    try {
      const text = this.#encode(id, call);
      call.sent = true;
      this.#pipe?.send(text);
    } catch (cause) {
      this.#fail(id, call, TautlineError.from(cause));
    }
  }

  #encode(id: number, { type, path, lastEventId, input }: OutgoingCall): string {
    const fields: CallFields = lastEventId === undefined ? {} : { lastEventId };
    return encodeCall(type, id, path, fields, input, this.#maxFrameBytes);
  }

  #fail(id: number, call: OutgoingCall, error: TautlineError): void {
    this.#outgoing.delete(id);
    call.observer.onFailed(error);
  }

  #abortIncoming(reason: TautlineError): void {
    this.#lastIncomingId = 0;
    for (const call of this.#incoming.values()) call.abort(reason);
  }
}

function outcomeUnknown(cause: TautlineError): TautlineError {
  const message = "the mutation was sent, its answer was lost: it may or may not have run";
  return new TautlineError({ code: "OUTCOME_UNKNOWN", message, cause });
}

function unreachable(message: never): never {
  throw badMessage(`unexpected message ${String(message)}`);
}
