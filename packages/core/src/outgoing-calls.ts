import { encodeCall, encodeMessage, encodeValue } from "./codec.ts";
import type { ProcedureType } from "./contract.ts";
import { TautlineError } from "./errors.ts";
import { defaultMaxFrameBytes } from "./options.ts";
import type { MessagePipe } from "./pipe.ts";
import * as messageType from "./message-type.ts";
import { badMessage, isCalleeMessage, type PeerMessage } from "./protocol.ts";

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

interface OutgoingCall {
  readonly type: ProcedureType;
  readonly path: string;
  /** As JSON: read once, however often the call is sent. */
  readonly input: string | undefined;
  readonly observer: CallObserver;
  /** Continues after this event when it is sent again. */
  lastEventId: string | undefined;
  /** Where it was sent; undefined while it waits. */
  pipe: MessagePipe | undefined;
}

/** What is attached to a pipe: a `Peer`, or the calls of an end that serves none. */
export interface PipeEnd {
  attach(pipe: MessagePipe): void;
  detach(pipe: MessagePipe, reason: TautlineError, how: { started: boolean }): void;
  receive(message: PeerMessage, pipe: MessagePipe): void;
  close(reason: TautlineError): void;
}

/** The calls that this end makes. They outlive the pipes that they are sent through. */
export class OutgoingCalls implements PipeEnd {
  readonly #calls = new Map<number, OutgoingCall>();
  readonly #maxFrameBytes: number;
  #pipe: MessagePipe | undefined;
  #lastId = 0;

  constructor(maxFrameBytes: number = defaultMaxFrameBytes) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Calls that have not settled. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Calls a procedure of the other end; without an open pipe the call waits for one.
   *
   * @returns the call's id, for `cancel`.
   * @throws TautlineError `BAD_REQUEST` where the input cannot be written as JSON, `PAYLOAD_TOO_LARGE`; then nothing is sent.
   */
  call(type: ProcedureType, path: string, input: unknown, observer: CallObserver): number {
    const call: OutgoingCall = { type, path, input: encodeValue(input), observer, lastEventId: undefined, pipe: undefined };
    const id = ++this.#lastId;
    this.#send(id, call);
    this.#calls.set(id, call);
    return id;
  }

  /** Ends a call; its observer hears nothing more. `code` tells the other end why. */
  cancel(id: number, code?: "TIMEOUT"): void {
    const pipe = this.#calls.get(id)?.pipe;
    this.#calls.delete(id);
    pipe?.send(encodeMessage(code === undefined ? [messageType.cancel, id] : [messageType.cancel, id, code]));
  }

  /** Sends through this pipe from now on, first what waits. */
  attach(pipe: MessagePipe): void {
    this.#pipe = pipe;
    for (const [id, call] of this.#calls) {
      try {
        if (call.pipe === undefined) this.#send(id, call);
      } catch (thrown) {
        // Later: were its observer to call again now, that call would overtake those that still wait, and ids only grow.
        queueMicrotask(() => this.#fail(id, call, TautlineError.from(thrown)));
      }
    }
  }

  /**
   * A pipe is gone, and with it whatever the other end kept for its calls. Queries and subscriptions wait for the next one and
   * start again there; mutations fail with `OUTCOME_UNKNOWN`, unless `started` is false: the other end is known to have started
   * none.
   */
  detach(pipe: MessagePipe, reason: TautlineError, { started }: { started: boolean }): void {
    if (this.#pipe === pipe) this.#pipe = undefined;
    for (const [id, call] of this.#calls) {
      if (call.pipe !== pipe) continue;
      if (started && call.type === "mutation") this.#fail(id, call, reason);
      call.pipe = undefined;
    }
  }

  /** Fails every call. */
  close(reason: TautlineError): void {
    this.#pipe = undefined;
    // A copy: what an observer calls meanwhile is not failed as well, for ever.
    for (const [id, call] of [...this.#calls]) this.#fail(id, call, reason);
  }

  /** Takes an answer. @throws TautlineError `BAD_MESSAGE` where it breaks the protocol; a call is not taken here. */
  receive(message: PeerMessage, pipe: MessagePipe): void {
    if (!isCalleeMessage(message)) throw badMessage("nothing is served here");
    const id = message[1];
    if (id > this.#lastId) throw badMessage("an answer to no call");
    const call = this.#calls.get(id);
    // Cancelled, settled, or sent again elsewhere: the answer is late.
    if (call?.pipe !== pipe) return;
    switch (message[0]) {
      case messageType.started:
        return call.observer.onStarted();
      case messageType.item:
        return call.observer.onItem(message[2], undefined);
      case messageType.trackedItem:
      case messageType.event:
        call.lastEventId = message[2];
        return call.observer.onItem(message[3], message[0] === messageType.event ? undefined : message[2]);
    }
    this.#calls.delete(id);
    switch (message[0]) {
      case messageType.result:
        return call.observer.onResult(message[2]);
      case messageType.error:
        return call.observer.onError(message[2]);
      case messageType.end:
        return call.observer.onEnd();
    }
  }

  #send(id: number, call: OutgoingCall): void {
    const { type, path, lastEventId, input } = call;
    const fields = lastEventId === undefined ? {} : { lastEventId };
    const text = encodeCall(type, id, path, fields, input, this.#maxFrameBytes);
    if (this.#pipe?.open !== true) return;
    call.pipe = this.#pipe;
    this.#pipe.send(text);
  }

  /** A mutation that was sent may have run. */
  #fail(id: number, { type, pipe, observer }: OutgoingCall, cause: TautlineError): void {
    if (!this.#calls.delete(id)) return;
    const unknown = pipe !== undefined && type === "mutation";
    const message = "sent, but the answer was lost";
    observer.onFailed(unknown ? new TautlineError({ code: "OUTCOME_UNKNOWN", message, cause }) : cause);
  }
}
