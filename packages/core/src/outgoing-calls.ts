import { attachedTo, type StreamToSend } from "./attached.ts";
import type { StreamProgress } from "./call-streams.ts";
import { type EncodedInput, encodeCall, encodeInput, encodeMessage } from "./codec.ts";
import type { ProcedureType } from "./contract.ts";
import { Window } from "./credit.ts";
import { TautlineError } from "./errors.ts";
import type { EncodedMessage, Frame } from "./frame.ts";
import * as messageType from "./message-type.ts";
import { defaultMaxFrameBytes } from "./options.ts";
import type { MessagePipe } from "./pipe.ts";
import {
  badMessage,
  type CalleePartMessage,
  type CalleeStreamMessage,
  type CallFields,
  type ChannelEventMessage,
  isCalleeMessage,
  type PeerMessage,
} from "./protocol.ts";

/** Events of a subscription that may be missing: those after `from` and up to `to`. */
export interface EventGap {
  readonly from: string;
  readonly to: string;
}

/** What a caller hears of its call. After `onResult`, `onError`, `onEnd` or `onFailed` it hears nothing more. */
export interface CallObserver {
  onResult(value: unknown): void;
  /** The other end's error, as a shape still to be read by the transformer. */
  onError(shape: unknown): void;
  onStarted(): void;
  /** @param length what `OutgoingCalls.take` is to be told when the item has been taken. */
  onItem(value: unknown, eventId: string | undefined, length: number): void;
  /** Items may be missing: those after `from` and up to `to`, where the other end knows which. */
  onGap(gap?: EventGap): void;
  onEnd(): void;
  /** An error of this end: the connection, the session, the client. */
  onFailed(error: TautlineError): void;
  /** Some of a stream of the call's has been taken. */
  onProgress?(progress: StreamProgress): void;
  /** The call has settled before, and none of its streams flows any more. */
  onStreamsOver?(): void;
}

/** A call of this end, as `cancel` takes it. */
export interface OutgoingCall {
  /** A newer one each time that it is sent: the other end takes ids that grow. */
  id: number;
  readonly type: ProcedureType;
  readonly path: string;
  /** Encoded: read once, however often the call is sent. */
  readonly input: EncodedInput | undefined;
  /** The streams in its input. */
  readonly slots: readonly StreamToSend[] | undefined;
  readonly observer: CallObserver;
  /** Continues after this event when it is sent again. */
  lastEventId: string | undefined;
  /** Where it was sent; undefined while it waits. */
  pipe: MessagePipe | undefined;
  /** Whether running it twice does what running it once does: then it may be sent again. */
  readonly idempotent: boolean;
  /** The id under which it was sent first; undefined while it was not. */
  firstId: number | undefined;
  /** The store that knows whether it has run; it is sent again only where that store is. */
  doubt: string | undefined;
  /** Of a subscription: whether it has started, and with that its reader may have missed what came while it was lost. */
  started: boolean;
  /** Of a subscription that has sent an item: how much of it may come. */
  window: Window | undefined;
  /** Of a subscription: the channel whose events are its items too; 0 for none. */
  channel: number;
  /** Whether its reader sees the ids of the channel's events. */
  shown: boolean;
}

/** What is known of a pipe that is gone. */
export interface LostPipe {
  /** Whether the other end may have started calls. */
  readonly started: boolean;
  /** The store of the other end that remembers mutations. */
  readonly store?: string | undefined;
}

/** The streams of an end's own calls, and large messages: `CallerStreams`, for those who have any. Others do not bundle it. */
export interface OutgoingStreams {
  /** The largest message, in bytes. */
  readonly maxMessageBytes: number;
  /** Sends a message of a call, or of its stream, in parts where it is large. */
  send(id: number, stream: number, message: EncodedMessage, pipe: MessagePipe): void;
  /** Takes a part; returns the frame that the message would have been, where it was the last. */
  collect(part: CalleePartMessage): Frame | undefined;
  /** Forgets the call's parts. Returns whether some have not been sent. */
  drop(call: OutgoingCall): boolean;
  /** Numbers the streams that an input holds; undefined where it holds none. */
  prepare(input: unknown): readonly StreamToSend[] | undefined;
  /** The call has been sent: its streams begin when the other end says so. */
  start(call: OutgoingCall): void;
  /** Lets the streams of a value that has come be opened. */
  accept(value: unknown, call: OutgoingCall): void;
  /** @throws TautlineError `BAD_MESSAGE` where it breaks the protocol. */
  receive(message: CalleeStreamMessage, frameLength: number): void;
  /** Whether streams of the call flow. */
  has(id: number): boolean;
  /** Calls with streams that flow through a pipe, and have settled or not. */
  countOn(pipe: MessagePipe): number;
  /** The call has its answer. */
  settle(id: number): void;
  /** The call will not be sent, or nobody waits for it. Returns whether anything flowed. */
  abort(call: OutgoingCall, reason: TautlineError): boolean;
  /** The call is to be sent again. Returns whether it can be: none of its streams has begun. */
  release(id: number): boolean;
  /** The session is lost. */
  abortOn(pipe: MessagePipe, reason: TautlineError): void;
}

/** What is attached to a pipe: a `Peer`, or the calls of an end that serves none. */
export interface PipeEnd {
  /** Calls that have not settled. */
  readonly size: number;
  attach(pipe: MessagePipe): void;
  detach(pipe: MessagePipe, reason: TautlineError, how: LostPipe): void;
  receive(message: PeerMessage, pipe: MessagePipe, length?: number): void;
  close(reason: TautlineError): void;
}

/** The calls that this end makes. They outlive the pipes that they are sent through. */
export class OutgoingCalls implements PipeEnd {
  readonly #calls = new Map<number, OutgoingCall>();
  /** The calls on each channel, of whatever pipe: two may have channels of the same number. */
  readonly #channels = new Map<number, Set<OutgoingCall>>();
  readonly #maxFrameBytes: number;
  readonly #streams: OutgoingStreams | undefined;
  #pipe: MessagePipe | undefined;
  #lastId = 0;

  /** @param streams carries the calls' streams; without it there are none. */
  constructor(maxFrameBytes: number = defaultMaxFrameBytes, streams?: OutgoingStreams) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#streams = streams;
  }

  /** Calls that have not settled. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Calls a procedure of the other end; without an open pipe the call waits for one.
   *
   * @throws TautlineError `BAD_REQUEST` where the input cannot be written as JSON, `PAYLOAD_TOO_LARGE`; then nothing is sent.
   */
  call(type: ProcedureType, path: string, input: unknown, observer: CallObserver, idempotent = false): OutgoingCall {
    const slots = this.#streams?.prepare(input);
    const call: OutgoingCall = {
      id: 0,
      type,
      path,
      input: encodeInput(input),
      slots,
      observer,
      lastEventId: undefined,
      pipe: undefined,
      idempotent,
      firstId: undefined,
      doubt: undefined,
      started: false,
      window: undefined,
      channel: 0,
      shown: false,
    };
    this.#send(call);
    return call;
  }

  /** Whether streams of a call flow; also of one that has its answer. */
  flows(call: OutgoingCall): boolean {
    return this.#streams?.has(call.id) === true;
  }

  /** Ends a call, and its streams; its observer hears nothing more. `code` tells the other end why. */
  cancel(call: OutgoingCall, code?: "TIMEOUT"): void {
    const { id, pipe } = call;
    const open = this.#delete(call);
    this.#streams?.drop(call);
    const flowed = this.#streams?.abort(call, new TautlineError({ code: code ?? "CLIENT_CLOSED_REQUEST" }));
    if (!open && flowed !== true) return;
    pipe?.send(encodeMessage(code === undefined ? [messageType.cancel, id] : [messageType.cancel, id, code]));
  }

  /**
   * An item of a subscription has been taken by whoever it is for: the other end may send more.
   *
   * @param id the call's when the item came: one that has been sent again since has credit of its own.
   */
  take(call: OutgoingCall, id: number, length: number): void {
    if (call.id !== id || !this.#calls.has(id)) return;
    const granted = call.window?.take(length);
    if (granted !== undefined) call.pipe?.send(encodeMessage([messageType.downCredit, id, 0, granted]));
  }

  /** Sends through this pipe from now on, first what waits. */
  attach(pipe: MessagePipe): void {
    this.#pipe = pipe;
    for (const call of Array.from(this.#calls.values())) {
      if (call.pipe === undefined && call.doubt === undefined) this.#sendAgain(call);
    }
  }

  /** Mutations that may have run are sent again where the store that knows is this one, and fail where it is another, or none. */
  settleDoubts(store: string | undefined): void {
    for (const call of Array.from(this.#calls.values())) {
      if (call.doubt === undefined) continue;
      const known = call.doubt === store;
      call.doubt = undefined;
      if (!known) this.#fail(call, new TautlineError({ code: "SESSION_LOST" }), true);
    }
    if (this.#pipe !== undefined) this.attach(this.#pipe);
  }

  /** New calls wait for the next pipe. */
  hold(): void {
    this.#pipe = undefined;
  }

  /** Calls that were sent through a pipe and have not settled. */
  countOn(pipe: MessagePipe): number {
    let count = 0;
    for (const call of this.#calls.values()) if (call.pipe === pipe) count++;
    return count + (this.#streams?.countOn(pipe) ?? 0);
  }

  /** Ends the subscriptions on a pipe, to start them again on the next one. */
  leave(pipe: MessagePipe): void {
    for (const call of this.#calls.values()) {
      if (call.pipe !== pipe || call.type !== "subscription") continue;
      pipe.send(encodeMessage([messageType.cancel, call.id]));
      call.pipe = undefined;
    }
  }

  /**
   * A pipe is gone, and with it whatever the other end kept for its calls. Queries, subscriptions and idempotent mutations wait for
   * the next one and start again there. Other mutations wait for `settleDoubts` where there is a store that knows them, and fail
   * with `OUTCOME_UNKNOWN` where there is none; unless `started` is false: the other end is known to have started none.
   */
  detach(pipe: MessagePipe, reason: TautlineError, { started, store }: LostPipe): void {
    if (this.#pipe === pipe) this.#pipe = undefined;
    for (const call of this.#calls.values()) {
      if (call.pipe !== pipe) continue;
      const whole = this.#streams?.drop(call) !== true;
      // What has been taken from its sources cannot be taken again.
      if (this.#streams?.release(call.id) === false) {
        this.#fail(call, new TautlineError({ code: "SESSION_LOST", cause: reason }), false);
        continue;
      }
      if (started && whole && call.type === "mutation" && !call.idempotent) {
        if (store === undefined) this.#fail(call, reason, true);
        call.doubt = store;
      }
      call.pipe = undefined;
    }
    this.#streams?.abortOn(pipe, reason);
  }

  /** Fails every call. */
  close(reason: TautlineError): void {
    this.#pipe = undefined;
    // A copy: what an observer calls meanwhile is not failed as well, for ever.
    for (const call of Array.from(this.#calls.values()))
      this.#fail(call, reason, call.pipe !== undefined || call.doubt !== undefined);
  }

  /** Takes an answer. @throws TautlineError `BAD_MESSAGE` where it breaks the protocol; a call is not taken here. */
  receive(message: PeerMessage, pipe: MessagePipe, length = 0): void {
    if (!isCalleeMessage(message)) throw badMessage("nothing is served here");
    if (message[0] === messageType.channelEvent) return this.#onChannelEvent(message, pipe, length);
    const id = message[1];
    if (id > this.#lastId) throw badMessage("an answer to no call");
    if (message[0] === messageType.downPart) return this.#onPart(message, pipe);
    if (message[0] >= messageType.downItem && message[0] < messageType.downPart)
      return this.#streams?.receive(message as CalleeStreamMessage, length);
    const call = this.#calls.get(id);
    // Cancelled, settled, or sent again elsewhere: the answer is late.
    if (call?.pipe !== pipe) return;
    switch (message[0]) {
      case messageType.started:
        return this.#onStarted(call);
      case messageType.item:
        return this.#onItem(call, message[2], undefined, length);
      case messageType.trackedItem:
        call.lastEventId = message[2];
        return this.#onItem(call, message[3], message[2], length);
      case messageType.event:
        call.lastEventId = message[2];
        return this.#onItem(call, message[3], undefined, length);
      case messageType.gap:
        call.lastEventId = message[3];
        return call.observer.onGap({ from: message[2], to: message[3] });
      case messageType.channel:
        return this.#onChannel(call, message[2], message[3] === true);
      case messageType.declined:
        return this.#onDeclined(call, pipe);
      case messageType.result:
        this.#delete(call);
        this.#streams?.accept(message[2], call);
        call.observer.onResult(message[2]);
        return this.#settleStreams(call);
      case messageType.error:
        this.#delete(call);
        this.#settleStreams(call);
        return call.observer.onError(message[2]);
      case messageType.end:
        this.#delete(call);
        this.#settleStreams(call);
        return call.observer.onEnd();
    }
  }

  #onPart(part: CalleePartMessage, pipe: MessagePipe): void {
    if (this.#streams === undefined) throw badMessage("no parts are taken here");
    const [, id, stream] = part;
    if (this.#calls.get(id)?.pipe !== pipe && !this.#streams.has(id)) return;
    const frame = this.#streams.collect(part);
    for (const message of frame === undefined ? [] : (pipe.decode(frame) as PeerMessage[])) {
      const isOwn = stream === 0 || (message[0] === messageType.downItem && message[2] === stream);
      if (message[1] !== id || !isOwn) throw badMessage("parts of another message");
      this.receive(message, pipe, frame?.length);
    }
  }

  /** The call has its answer. What has not been sent of it will not be. */
  #settleStreams(call: OutgoingCall): void {
    if (this.#streams?.drop(call) === true) call.pipe?.send(encodeMessage([messageType.cancel, call.id]));
    this.#streams?.settle(call.id);
  }

  #onItem(call: OutgoingCall, value: unknown, eventId: string | undefined, length: number): void {
    call.window ??= new Window();
    call.window.receive(length);
    this.#streams?.accept(value, call);
    call.observer.onItem(value, eventId, length);
  }

  /** It was not started. Where there is a newer pipe already, nothing but this makes it go there. */
  #onDeclined(call: OutgoingCall, pipe: MessagePipe): void {
    this.#streams?.release(call.id);
    call.pipe = undefined;
    if (this.#pipe !== pipe && this.#pipe !== undefined) this.#sendAgain(call);
  }

  #onChannel(call: OutgoingCall, channel: number, shown: boolean): void {
    this.#leaveChannel(call);
    call.channel = channel;
    call.shown = shown;
    if (channel > 0) this.#channels.set(channel, (this.#channels.get(channel) ?? new Set()).add(call));
  }

  /** One for a channel that is unknown was on its way to calls that are done. */
  #onChannelEvent([, channel, eventId, value]: ChannelEventMessage, pipe: MessagePipe, length: number): void {
    const calls = this.#channels.get(channel);
    for (const call of calls ?? []) {
      if (call.pipe !== pipe) continue;
      call.lastEventId = eventId;
      // Whoever reads it may change it; what transformers take apart they make anew.
      const own = calls?.size === 1 || attachedTo(value) !== undefined ? value : structuredClone(value);
      this.#onItem(call, own, call.shown ? eventId : undefined, length);
    }
  }

  #leaveChannel(call: OutgoingCall): void {
    const calls = this.#channels.get(call.channel);
    if (calls?.delete(call) === true && calls.size === 0) this.#channels.delete(call.channel);
    call.channel = 0;
  }

  /** Forgets a call. Returns whether it was known. */
  #delete(call: OutgoingCall): boolean {
    this.#leaveChannel(call);
    return this.#calls.delete(call.id);
  }

  #onStarted(call: OutgoingCall): void {
    if (call.started && call.lastEventId === undefined) call.observer.onGap();
    call.started = true;
    call.observer.onStarted();
  }

  #sendAgain(call: OutgoingCall): void {
    this.#delete(call);
    try {
      this.#send(call);
    } catch (thrown) {
      // Later: were its observer to call again now, that call would overtake those that still wait.
      this.#calls.set(call.id, call);
      queueMicrotask(() => this.#fail(call, TautlineError.from(thrown), false));
    }
  }

  #send(call: OutgoingCall): void {
    const { type, path, input } = call;
    const id = this.#lastId + 1;
    const message = encodeCall(
      type,
      id,
      path,
      fieldsOf(call),
      input,
      this.#streams?.maxMessageBytes ?? this.#maxFrameBytes,
    );
    this.#lastId = id;
    call.id = id;
    call.window = undefined;
    this.#calls.set(id, call);
    if (this.#pipe?.open !== true) return;
    call.firstId ??= id;
    call.pipe = this.#pipe;
    if (this.#streams === undefined) this.#pipe.send(message);
    else this.#streams.send(id, 0, message, this.#pipe);
    this.#streams?.start(call);
  }

  /** @param sent whether the other end may have it: then a mutation may have run. */
  #fail(call: OutgoingCall, cause: TautlineError, sent: boolean): void {
    const { type, observer } = call;
    if (!this.#delete(call)) return;
    this.#streams?.abort(call, cause);
    const message = "sent, but the answer was lost";
    const unknown = sent && type === "mutation";
    observer.onFailed(unknown ? new TautlineError({ code: "OUTCOME_UNKNOWN", message, cause }) : cause);
  }
}

function fieldsOf({ type, lastEventId, firstId }: OutgoingCall): CallFields {
  if (lastEventId !== undefined) return { lastEventId };
  return type === "mutation" && firstId !== undefined ? { firstId } : {};
}
