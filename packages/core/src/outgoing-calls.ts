import { attachedTo, type StreamToSend } from "./attached.ts";
import { encodeCall, encodeJson, encodePlain, type InputEncoder } from "./codec.ts";
import { Window } from "./credit.ts";
import { TautlineError } from "./errors.ts";
import type { EncodedMessage } from "./frame.ts";
import * as messageType from "./message-type.ts";
import { defaultMaxFrameBytes } from "./options.ts";
import type { OutgoingCall } from "./outgoing-call.ts";
import type { MessagePipe } from "./pipe.ts";
import type { LostPipe, PipeEnd } from "./pipe-end.ts";
import { badMessage, type CallFields, type ChannelEventMessage, type PeerMessage } from "./protocol.ts";

/** The calls that this end makes. They outlive the pipes that they are sent through. With streams: `StreamingCalls`. */
export class OutgoingCalls implements PipeEnd {
  readonly #calls = new Map<number, OutgoingCall>();
  /** The calls on each channel, of whatever pipe: two may have channels of the same number. */
  readonly #channels = new Map<number, Set<OutgoingCall>>();
  readonly #maxMessageBytes: number;
  readonly #encodeInput: InputEncoder;
  readonly #timeOfDay: () => number;
  #pipe: MessagePipe | undefined;
  #lastId = 0;

  /**
   * @param encodeInput of inputs that may hold bytes: `encodeInput`. Default JSON alone.
   * @param timeOfDay in whole ms, which goes on while a machine sleeps. Default none: for an end that is told of no store.
   */
  constructor(
    maxMessageBytes: number = defaultMaxFrameBytes,
    encodeInput: InputEncoder = encodeJson,
    timeOfDay: () => number = () => 0,
  ) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#encodeInput = encodeInput;
    this.#timeOfDay = timeOfDay;
  }

  /** Calls that have not settled. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Calls a procedure of the other end; without an open pipe the call waits for one.
   *
   * @throws TautlineError `BAD_REQUEST` where the input cannot be written as JSON, `PAYLOAD_TOO_LARGE`, what `begin` throws; then nothing
   * is sent.
   */
  call(call: OutgoingCall, input?: unknown): void {
    call.begin();
    call.slots = this.prepare(input);
    call.input = this.#encodeInput(input);
    this.#send(call);
  }

  /**
   * Ends a call that has not settled; its caller hears nothing more. `code` tells the other end why, which is told also where it has
   * answered: what cannot be read may hold streams.
   */
  cancel(call: OutgoingCall, code?: "TIMEOUT"): void {
    this.#delete(call);
    this.sendCancel(call, code);
  }

  /**
   * An item of a subscription has been taken by whoever it is for: the other end may send more.
   *
   * @param id the call's when the item came: one that has been sent again since has credit of its own.
   */
  take(call: OutgoingCall, id: number, length: number): void {
    if (call.id !== id || !this.#calls.has(id)) return;
    const granted = call.window?.take(length);
    if (granted !== undefined) call.pipe?.send(encodePlain([messageType.downCredit, id, 0, granted]));
  }

  /** Sends through this pipe from now on, first what waits. */
  attach(pipe: MessagePipe): void {
    this.#pipe = pipe;
    for (const call of this.callsOn(undefined)) this.#sendAgain(call);
  }

  /** New calls wait for the next pipe. */
  hold(): void {
    this.#pipe = undefined;
  }

  /** Calls that were sent through a pipe and have not settled. */
  countOn(pipe: MessagePipe): number {
    return this.callsOn(pipe).length;
  }

  /** Ends the subscriptions on a pipe, and starts them again on the next one. */
  leave(pipe: MessagePipe): void {
    for (const call of this.callsOn(pipe)) {
      if (!this.moves(call)) continue;
      this.sendCancel(call);
      call.pipe = undefined;
    }
    this.#sendWaiting();
  }

  /**
   * A pipe is gone, and with it whatever the other end kept for its calls. They start again on the next one: mutations that are not
   * idempotent are known there by the first id, and run only where the store says that they have not; where there was no store they
   * fail with `OUTCOME_UNKNOWN`. Unless `started` is false: then the other end is known to have started none.
   */
  detach(pipe: MessagePipe, reason: TautlineError, { started, store }: LostPipe): void {
    if (this.#pipe === pipe) this.#pipe = undefined;
    for (const call of this.callsOn(pipe)) {
      if (started && call.type === "mutation" && !call.idempotent) {
        // Where it was sent again meanwhile, it has run where the first store is, or nowhere.
        call.store ??= store;
        call.firstId ??= call.id;
        if (call.store === undefined) this.fail(call, reason, true);
      }
      call.pipe = undefined;
    }
    this.#sendWaiting();
  }

  /** Fails every call. */
  close(reason: TautlineError): void {
    this.#pipe = undefined;
    // A copy: what a caller calls meanwhile is not failed as well, for ever.
    for (const call of Array.from(this.#calls.values()))
      this.fail(call, reason, call.pipe !== undefined || call.firstId !== undefined);
  }

  /** Takes an answer. @throws TautlineError `BAD_MESSAGE` where it breaks the protocol; a call is not taken here. */
  receive(message: PeerMessage, pipe: MessagePipe, length = 0): void {
    if (message[0] === messageType.channelEvent) return this.#onChannelEvent(message, pipe, length);
    const id = message[1];
    const call = this.find(id, pipe);
    // Cancelled, settled, or sent again elsewhere: the answer is late.
    if (call === undefined) return;
    switch (message[0]) {
      case messageType.started:
        return this.#onStarted(call);
      case messageType.item:
        return this.#onItem(call, message[2], undefined, length);
      case messageType.trackedItem:
      case messageType.event:
        call.lastEventId = message[2];
        return this.#onItem(call, message[3], message[0] === messageType.event ? undefined : message[2], length);
      case messageType.gap:
        call.lastEventId = message[3];
        return call.onGap({ from: message[2], to: message[3] });
      case messageType.channel:
        return this.#onChannel(call, message[2], message[3] === true);
      case messageType.declined:
        return this.#onDeclined(call, pipe);
      case messageType.result:
        this.#delete(call);
        return call.onResult(message[2]);
      case messageType.error:
        this.#delete(call);
        return call.onError(message[2]);
      case messageType.end:
        this.#delete(call);
        return call.onEnd();
      default:
        throw badMessage("not taken here");
    }
  }

  /** The call that an answer through this pipe is for. @throws TautlineError `BAD_MESSAGE` where there never was one. */
  protected find(id: number, pipe: MessagePipe): OutgoingCall | undefined {
    if (id > this.#lastId) throw badMessage("an answer to no call");
    const call = this.#calls.get(id);
    return call?.pipe === pipe ? call : undefined;
  }

  /** Calls that were sent through a pipe, or wait for one, and have not settled. */
  protected callsOn(pipe: MessagePipe | undefined): readonly OutgoingCall[] {
    return Array.from(this.#calls.values()).filter((call) => call.pipe === pipe);
  }

  /** Whether a call that was sent goes on somewhere else, and is ended where it is. */
  protected moves({ type }: OutgoingCall): boolean {
    return type === "subscription";
  }

  /** Numbers the streams in an input; here it holds none. */
  protected prepare(_input: unknown): readonly StreamToSend[] | undefined {
    return undefined;
  }

  protected transmit(_call: OutgoingCall, message: EncodedMessage, pipe: MessagePipe): void {
    pipe.send(message);
  }

  protected sendCancel({ id, pipe }: Pick<OutgoingCall, "id" | "pipe">, code?: "TIMEOUT"): void {
    pipe?.send(encodePlain(code === undefined ? [messageType.cancel, id] : [messageType.cancel, id, code]));
  }

  #onItem(call: OutgoingCall, value: unknown, eventId: string | undefined, length: number): void {
    call.window ??= new Window();
    call.window.receive(length);
    call.onItem(value, eventId, length);
  }

  /** It was not started. Where there is a newer pipe already, nothing but this makes it go there. */
  #onDeclined(call: OutgoingCall, pipe: MessagePipe): void {
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
    if (call.started && call.lastEventId === undefined) call.onGap();
    call.started = true;
    call.onStarted();
  }

  #sendWaiting(): void {
    if (this.#pipe !== undefined) this.attach(this.#pipe);
  }

  #sendAgain(call: OutgoingCall): void {
    this.#delete(call);
    try {
      this.#send(call);
    } catch (thrown) {
      // Later: were its caller to call again now, that call would overtake those that still wait.
      this.#calls.set(call.id, call);
      queueMicrotask(() => this.fail(call, TautlineError.from(thrown), call.firstId !== undefined));
    }
  }

  #send(call: OutgoingCall): void {
    const { type, path, input } = call;
    const now = this.#timeOfDay();
    const id = this.#lastId + 1;
    const message = encodeCall(type, id, path, fieldsOf(call, now), input, this.#maxMessageBytes);
    this.#lastId = id;
    call.id = id;
    call.window = undefined;
    this.#calls.set(id, call);
    if (this.#pipe?.open !== true) return;
    call.pipe = this.#pipe;
    call.sentAt ??= now;
    this.transmit(call, message, this.#pipe);
  }

  /** @param sent whether the other end may have it: then a mutation may have run. */
  protected fail(call: OutgoingCall, cause: TautlineError, sent: boolean): void {
    const { type } = call;
    if (!this.#delete(call)) return;
    const message = "sent, but the answer was lost";
    const unknown = sent && type === "mutation";
    call.onFailed(unknown ? new TautlineError({ code: "OUTCOME_UNKNOWN", message, cause }) : cause);
  }
}

function fieldsOf({ lastEventId, firstId, store, sentAt = 0 }: OutgoingCall, now: number): CallFields | undefined {
  if (firstId !== undefined) return { firstId, store, ageMs: Math.max(0, now - sentAt) };
  return lastEventId === undefined ? undefined : { lastEventId };
}
