import type { StreamingCall } from "./call-streams.ts";
import type { ProcedureType } from "./contract.ts";
import { Credit, costOf } from "./credit.ts";
import type { TautlineError } from "./errors.ts";
import * as messageType from "./message-type.ts";
import type { MessagePipe } from "./pipe.ts";
import type { CalleeMessage, CallFields, StreamMessage } from "./protocol.ts";
import { discardStreams, streamsOf } from "./stream-slot.ts";

/** What a call answers through. */
export interface CallReplies {
  /** Encodes and sends. Returns the length of the frame that it makes alone. @throws TautlineError where it cannot be encoded. */
  sendReply(message: CalleeMessage): number;
  /** The same for a message that holds a value, and sends the streams of that. */
  sendValue(message: CalleeMessage, value: unknown, call: IncomingCall): number;
  /** What all calls of the session are answered through. */
  readonly pipe: MessagePipe;
  /** The call has settled: its id is forgotten. */
  onSettled(call: IncomingCall): void;
  /** The call has settled, and none of its streams flows any more. */
  onStreamsOver(call: IncomingCall): void;
  /** Resolves when the connection takes more of the call, or of its stream; 0 is the call itself. Undefined while it does. */
  drained(id: number, stream: number): Promise<void> | undefined;
}

/** What a query or mutation came to, as it goes on the wire. */
export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly shape: unknown };

/** What a call whose answer holds streams is remembered by. */
const notKept = { message: "a stream cannot be sent again", data: { code: "SESSION_LOST" } };

/**
 * A call that the other end made. It settles once: with a result, an error or an end, or by being aborted. What is sent after
 * that is left out, so a handler need not ask.
 */
export class IncomingCall implements StreamingCall {
  readonly id: number;
  readonly type: ProcedureType;
  readonly path: string;
  readonly fields: CallFields;
  /** As it came, before any transformer; undefined where the caller gave none. */
  readonly input: unknown;
  /** Called once when the call is aborted, after `signal` has fired. */
  onAborted: (() => void) | undefined = undefined;
  readonly #replies: CallReplies;
  #settled = false;
  #reason: TautlineError | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #onOutcome: ((outcome: CallOutcome) => void) | undefined = undefined;
  /** Of a subscription that has sent an item: one that is idle costs nothing. */
  #credit: Credit | undefined = undefined;

  constructor(
    replies: CallReplies,
    call: { id: number; type: ProcedureType; path: string; fields: CallFields; input: unknown },
  ) {
    this.#replies = replies;
    this.id = call.id;
    this.type = call.type;
    this.path = call.path;
    this.fields = call.fields;
    this.input = call.input;
  }

  /** Whether nothing more is to be sent. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Whether what becomes of it concerns nobody any more. */
  get over(): boolean {
    return this.#settled && this.#onOutcome === undefined;
  }

  /** Has the handler run on when its caller is lost, which is no reason for it to stop; `onOutcome` hears what it comes to, once. */
  keepRunning(onOutcome: (outcome: CallOutcome) => void): void {
    if (this.#settled && !isLoss(this.#reason)) return onOutcome({ ok: false, shape: undefined });
    // One that is lost before it has begun runs as well.
    this.#reason = undefined;
    this.#onOutcome = onOutcome;
  }

  /**
   * Fires when the caller cancels, its `timeoutMs` is over, or its connection is lost; never for a call that is done. Its reason
   * is a TautlineError. Made when first read: an AbortController costs more than the rest of a small call.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Answers a query or mutation. @throws TautlineError where the value cannot be encoded; the call then still stands. */
  sendResult(value: unknown): void {
    const { id } = this;
    if (!this.#settled) {
      const message: CalleeMessage = value === undefined ? [messageType.result, id] : [messageType.result, id, value];
      this.#replies.sendValue(message, value, this);
      this.#settle();
    } else discardStreams(streamsOf(value));
    // Its streams are for one reader.
    this.#tell(streamsOf(value) === undefined ? { ok: true, value } : { ok: false, shape: notKept });
  }

  /** Ends the call with an error's shape. @throws TautlineError where the shape cannot be encoded. */
  sendError(shape: unknown): void {
    if (!this.#settled) {
      this.#replies.sendReply([messageType.error, this.id, shape]);
      this.#settle();
    }
    this.#tell({ ok: false, shape });
  }

  /** The call was not started, and will not be here: its caller may make it elsewhere. */
  decline(): void {
    if (this.#settled) return;
    this.#replies.sendReply([messageType.declined, this.id]);
    this.#settle();
  }

  sendStarted(): void {
    if (!this.#settled) this.#replies.sendReply([messageType.started, this.id]);
  }

  /** Returns the length of the item's frame. @throws TautlineError where the value cannot be encoded; the call then still stands. */
  sendItem(value: unknown): number {
    if (this.#settled) return this.#drop(value);
    const { id } = this;
    return this.#sendPaced(value === undefined ? [messageType.item, id] : [messageType.item, id, value], value);
  }

  /**
   * An item that a later call can continue after. Returns the length of its frame.
   *
   * @param shown whether whoever reads the items sees the id; if not, it serves to continue alone. Default true.
   * @throws TautlineError as `sendItem`.
   */
  sendTrackedItem(eventId: string, value: unknown, shown = true): number {
    if (this.#settled) return this.#drop(value);
    const { id } = this;
    const type = shown ? messageType.trackedItem : messageType.event;
    return this.#sendPaced(value === undefined ? [type, id, eventId] : [type, id, eventId, value], value);
  }

  /** Events after `from` and up to `to` may be missing. */
  sendGap(from: string, to: string): void {
    if (!this.#settled) this.#replies.sendReply([messageType.gap, this.id, from, to]);
  }

  /**
   * Puts the call on a channel of its session: from here on what is sent there is an item of the call too. 0 takes it off again.
   *
   * @param shown whether whoever reads the items sees their ids.
   */
  sendChannel(channel: number, shown = false): void {
    if (this.#settled) return;
    const { id } = this;
    this.#replies.sendReply(shown ? [messageType.channel, id, channel, shown] : [messageType.channel, id, channel]);
  }

  /** What goes to all calls on a channel is sent here, and each is told with `spend`. */
  get pipe(): MessagePipe {
    return this.#replies.pipe;
  }

  /** How much its caller takes; not more than 0 where it is to grant more first. */
  get credit(): number {
    this.#credit ??= new Credit();
    return this.#credit.left;
  }

  /** Items that count so much have been sent. */
  spend(cost: number): void {
    this.#credit ??= new Credit();
    this.#credit.spend(cost);
  }

  sendEnd(): void {
    if (this.#settled) return;
    this.#replies.sendReply([messageType.end, this.id]);
    this.#settle();
  }

  /** The caller has taken items: so much of them may be sent in all. @throws TautlineError `BAD_MESSAGE` as `Credit.grant`. */
  onCredit(total: number): void {
    this.#credit ??= new Credit();
    this.#credit.grant(total);
  }

  /** Resolves when the caller and the connection take more; undefined while they do. */
  ready(): Promise<void> | undefined {
    return this.#settled ? undefined : (this.#credit?.granted() ?? this.#replies.drained(this.id, 0));
  }

  /** Ends the call without a word to the caller, who has asked for it or is gone. */
  abort(reason: TautlineError): void {
    if (this.#settled) return;
    this.#settle();
    if (isLoss(reason) && this.#onOutcome !== undefined) return;
    this.#fire(reason);
    this.onAborted?.();
  }

  /** Sends what is said of the call's streams. */
  send(message: StreamMessage): number {
    // The same at both ends; a call that comes has a callee's streams.
    return this.#replies.sendReply(message as CalleeMessage);
  }

  drained(stream: number): Promise<void> | undefined {
    return this.#replies.drained(this.id, stream);
  }

  /** Whoever still works for what went down is told that nobody takes it. */
  onStreamsOver(reason: TautlineError | undefined): void {
    if (reason !== undefined && this.#settled) this.#fire(reason);
    this.#replies.onStreamsOver(this);
  }

  #fire(reason: TautlineError): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }

  #sendPaced(message: CalleeMessage, value: unknown): number {
    const frameLength = this.#replies.sendValue(message, value, this);
    this.spend(costOf(frameLength));
    return frameLength;
  }

  /** Nobody waits for the value. */
  #drop(value: unknown): number {
    discardStreams(streamsOf(value));
    return 0;
  }

  #tell(outcome: CallOutcome): void {
    const onOutcome = this.#onOutcome;
    this.#onOutcome = undefined;
    onOutcome?.(outcome);
  }

  #settle(): void {
    // What it has sent may have been too much for the session, which has ended it then.
    if (this.#settled) return;
    this.#settled = true;
    this.#replies.onSettled(this);
  }
}

/** Whether the caller has not ended the call, and may ask again what it came to. */
function isLoss(reason: TautlineError | undefined): boolean {
  return reason?.code === "SESSION_LOST" || reason?.code === "CONNECTION_CLOSED";
}
