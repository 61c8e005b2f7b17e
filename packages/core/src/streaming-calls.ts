import type { StreamToSend } from "./attached.ts";
import { CallerStreams, type CallerStreamsOptions } from "./caller-streams.ts";
import { encodeInput } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import type { EncodedMessage } from "./frame.ts";
import * as messageType from "./message-type.ts";
import type { OutgoingCall } from "./outgoing-call.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";
import type { MessagePipe } from "./pipe.ts";
import type { LostPipe } from "./pipe-end.ts";
import {
  badMessage,
  type CalleeMessage,
  type CalleePartMessage,
  isCalleeMessage,
  isItemMessage,
  type PeerMessage,
} from "./protocol.ts";
import { discardStreams, streamsOf } from "./stream-slot.ts";

/** What an end's own calls with streams are made from. */
export interface StreamingCallsOptions extends Omit<CallerStreamsOptions, "beside" | "onOver"> {
  /** As of `OutgoingCalls`. */
  readonly timeOfDay?: () => number;
}

/**
 * The calls that this end makes, with streams in their inputs and outputs, and large messages in parts. Apart from `OutgoingCalls`,
 * so that an end without streams does not carry it.
 */
export class StreamingCalls extends OutgoingCalls {
  readonly #streams: CallerStreams;
  /** Calls that were made, and items of subscriptions that came: what waits where streams are in its way. */
  #beside = 0;

  constructor(options: StreamingCallsOptions) {
    const streams = new CallerStreams({ ...options, beside: () => this.#beside, onOver: (call) => this.#drop(call) });
    super(streams.maxMessageBytes, encodeInput, options.timeOfDay);
    this.#streams = streams;
  }

  /** Calls that have not settled, or of which streams flow. */
  override get size(): number {
    return super.size + this.#streams.settled;
  }

  override call(call: OutgoingCall, input?: unknown): void {
    this.#beside++;
    try {
      super.call(call, input);
    } catch (error) {
      discardStreams(streamsOf(input));
      throw error;
    }
  }

  override cancel(call: OutgoingCall, code?: "TIMEOUT"): void {
    this.#streams.drop(call);
    this.#streams.abort(call, new TautlineError({ code: code ?? "CLIENT_CLOSED_REQUEST" }));
    super.cancel(call, code);
  }

  override countOn(pipe: MessagePipe): number {
    return super.countOn(pipe) + this.#streams.countOn(pipe);
  }

  override detach(pipe: MessagePipe, reason: TautlineError, how: LostPipe): void {
    for (const call of this.callsOn(pipe)) {
      const whole = !this.#streams.drop(call);
      if (!this.#streams.release(call.id)) {
        // What has been taken from its sources cannot be taken again.
        this.fail(call, new TautlineError({ code: "SESSION_LOST", cause: reason }), false);
      } else if (!whole) {
        // What has come in part was not started.
        call.pipe = undefined;
      }
    }
    super.detach(pipe, reason, how);
    this.#streams.abortOn(pipe, reason);
  }

  override close(reason: TautlineError): void {
    super.close(reason);
    this.#streams.close(reason);
  }

  override receive(message: PeerMessage, pipe: MessagePipe, length = 0): void {
    if (!isCalleeMessage(message)) throw badMessage("nothing is served here");
    if (isItemMessage(message)) this.#beside++;
    // What is for many holds no streams.
    if (message[0] === messageType.channelEvent) return super.receive(message, pipe, length);
    const call = this.find(message[1], pipe);
    switch (message[0]) {
      case messageType.downPart:
        return this.#onPart(message, pipe);
      case messageType.downItem:
      case messageType.downEnd:
      case messageType.upCredit:
      case messageType.upStop:
        return this.#streams.receive(message, length);
      default:
        if (call !== undefined) this.#accept(message, call);
        if (message[0] === messageType.error && call?.sourceError !== undefined) {
          super.fail(call, this.#streams.errorOf(call, message[2]), false);
        } else super.receive(message, pipe, length);
        if (call !== undefined && isLast(message)) this.#onAnswered(call, message[0] !== messageType.error);
    }
  }

  /** What has been taken from the sources of its input cannot be taken again. */
  protected override moves(call: OutgoingCall): boolean {
    const goesUp = call.slots !== undefined;
    if (!super.moves(call) || (goesUp && !this.#streams.release(call.id))) return false;
    this.#streams.drop(call);
    if (!goesUp)
      this.#streams.abort(call, new TautlineError({ code: "SESSION_LOST", message: "the server is closing" }));
    return true;
  }

  protected override prepare(input: unknown): readonly StreamToSend[] | undefined {
    return this.#streams.prepare(input);
  }

  protected override transmit(call: OutgoingCall, message: EncodedMessage, pipe: MessagePipe): void {
    this.#streams.send(call.id, 0, message, pipe);
    // Keeping it may have been too much for the session: then the call has failed already.
    if (this.find(call.id, pipe) !== undefined) this.#streams.start(call);
  }

  protected override fail(call: OutgoingCall, cause: TautlineError, sent: boolean): void {
    this.#streams.abort(call, cause);
    super.fail(call, cause, sent);
  }

  #accept(message: CalleeMessage, call: OutgoingCall): void {
    const [type] = message;
    if (type === messageType.declined) this.#streams.release(call.id);
    else if (type === messageType.result || type === messageType.item) this.#streams.accept(message[2], call);
    else if (type === messageType.trackedItem || type === messageType.event) this.#streams.accept(message[3], call);
  }

  #onPart(part: CalleePartMessage, pipe: MessagePipe): void {
    const [, id, stream] = part;
    if (this.find(id, pipe) === undefined && !this.#streams.has(id)) return;
    const frame = this.#streams.collect(part);
    for (const message of frame === undefined ? [] : (pipe.decode(frame) as PeerMessage[])) {
      const isOwn = stream === 0 || (message[0] === messageType.downItem && message[2] === stream);
      if (message[1] !== id || !isOwn) throw badMessage("parts of another message");
      this.receive(message, pipe, frame?.length);
    }
  }

  /** What flows of a call that has its answer goes on until its caller has had enough. */
  #onAnswered(call: OutgoingCall, well: boolean): void {
    this.#streams.settle(call.id, well);
    if (this.#streams.has(call.id)) this.#streams.watch(call, () => this.cancel(call));
    else this.#drop(call);
  }

  /** What has not been sent of a call that is over will not be. */
  #drop(call: Pick<OutgoingCall, "id" | "pipe">): void {
    if (this.#streams.drop(call)) this.sendCancel(call);
  }
}

function isLast([type]: CalleeMessage): boolean {
  return type === messageType.result || type === messageType.error || type === messageType.end;
}
