import type { StreamToSend } from "./attached.ts";
import type { Clock } from "./clock.ts";
import { TautlineError } from "./errors.ts";
import { IncomingStream, type StreamReader } from "./incoming-stream.ts";
import * as messageType from "./message-type.ts";
import { windowBytes } from "./options.ts";
import { OutgoingStream, type StreamLink } from "./outgoing-stream.ts";
import { badMessage, type StreamMessage } from "./protocol.ts";
import { Pump } from "./pump.ts";
import type { StreamBudget } from "./stream-budget.ts";
import type { StreamLine } from "./stream-line.ts";
import { WindowSize } from "./window-size.ts";

/** Which end of a call this is. */
export type StreamRole = "caller" | "callee";

/** How far a call's stream has come. */
export interface StreamProgress {
  /** Up: from the caller to the callee. */
  readonly direction: "up" | "down";
  /** Which of the call's streams in this direction it is, counted from 1. */
  readonly stream: number;
  /** About what its receiver has taken, in bytes. */
  readonly bytes: number;
  /** How many it will be, where its sender knew. */
  readonly totalBytes: number | undefined;
}

/** What the streams of all calls of one end share. */
export interface StreamHost {
  readonly clock: Pick<Clock, "now" | "turn">;
  /**
   * Grows with each call that is made, those with streams included, and each item of a subscription: with what waits where streams are in
   * its way. Left out: there is nothing of the kind.
   */
  beside?(): number;
  /** How much a stream that comes may be ahead of its reader at most, in bytes. */
  readonly windowBytes: number;
  /** What all that come may be ahead together. Left out: no more than each by itself. */
  readonly budget?: StreamBudget;
  /** A value as it is sent. @throws what the transformer throws. */
  write(value: unknown): unknown;
  /** A value as it was meant. @throws what the transformer throws. */
  read(value: unknown): unknown;
  /** What the other end may know of an error of the call's. */
  shapeOf(error: unknown, call: StreamingCall): unknown;
  readError(shape: unknown): TautlineError;
}

/** The call that streams belong to. */
export interface StreamingCall {
  readonly id: number;
  /** Encodes and sends. Returns the length of the frame that it makes alone. @throws TautlineError where it cannot be encoded. */
  send(message: StreamMessage): number;
  /** Resolves when the connection takes more of a stream; undefined while it does. */
  drained(stream: number): Promise<void> | undefined;
  onProgress?(progress: StreamProgress): void;
  /** A source of this end's has thrown. */
  onSourceFailed?(error: unknown): void;
  /** Nothing flows any more. @param reason why what went down did not come to its own end, where it did not. */
  onStreamsOver(reason: TautlineError | undefined): void;
}

/** Streams of one call at a time, in each direction. */
const maxStreamsPerCall = 64;

/** What the other end is told of an error of which it cannot be told more. */
const genericShape = { message: "Internal server error", code: -32603, data: { code: "INTERNAL_SERVER_ERROR" } };

/** Each end sends items and ends of its own streams, credit and stops of the other's. */
const sentBy = {
  caller: {
    item: messageType.upItem,
    end: messageType.upEnd,
    credit: messageType.downCredit,
    stop: messageType.downStop,
  },
  callee: {
    item: messageType.downItem,
    end: messageType.downEnd,
    credit: messageType.upCredit,
    stop: messageType.upStop,
  },
} as const;

/**
 * The streams of one call, at one end. What goes up, from caller to callee, begins when the callee says so, and is over with the call;
 * what goes down begins at once, and outlasts the answer.
 */
export class CallStreams implements StreamLink, StreamReader {
  readonly #role: StreamRole;
  readonly #host: StreamHost;
  readonly #line: StreamLine;
  readonly #call: StreamingCall;
  readonly #onOver: () => void;
  readonly #outgoing = new Map<number, OutgoingStream>();
  readonly #incoming = new Map<number, IncomingStream>();
  /** Those whose windows are of a budget: what they keep may outlast them. */
  readonly #budgeted: IncomingStream[] = [];
  /** All with numbers up to this one have come: a subscription's items may hold streams for as long as it runs. */
  #openedUpTo = 0;
  /** Those with greater numbers that have come. */
  readonly #opened = new Set<number>();
  /** Those that went up and have come to their own end. */
  readonly #ended: OutgoingStream[] = [];
  #sent = 0;
  #begun = false;
  #settled = false;
  #answered = false;
  /** Why what goes down does not come to its own end. */
  #stopped: TautlineError | undefined = undefined;
  #over = false;

  /** @param onOver nothing flows, and nothing will. */
  constructor(role: StreamRole, host: StreamHost, line: StreamLine, call: StreamingCall, onOver: () => void) {
    this.#role = role;
    this.#host = host;
    this.#line = line;
    this.#call = call;
    this.#onOver = onOver;
  }

  /** How many streams this end has sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether the call has settled. */
  get settled(): boolean {
    return this.#settled;
  }

  /** How many of them flow. */
  get size(): number {
    return this.#outgoing.size + this.#incoming.size;
  }

  /** Whether anything was taken from a source, or has come. */
  get begun(): boolean {
    return this.#openedUpTo > 0 || this.#opened.size > 0 || this.#begun;
  }

  /** Sends what a source gives, as it is taken. */
  start({ number, items, size }: StreamToSend): void {
    this.#sent++;
    const stream = new OutgoingStream(this, { number, size, granted: this.#role === "caller" ? 0 : windowBytes });
    this.#outgoing.set(number, stream);
    const onItem = (item: unknown): number =>
      stream.sendItem(this.#host.write(item), item instanceof Uint8Array ? item.length : undefined);
    const onError = (error: unknown): void => this.#fail(stream, error);
    const source = begin(items);
    new Pump({ target: stream, source, clock: this.#host.clock, line: this.#line, onItem, onError }).start();
  }

  /**
   * Receives the stream of this number, which a value that has come holds.
   *
   * @throws TautlineError `BAD_REQUEST` where it was there before, `TOO_MANY_REQUESTS`.
   */
  open(number: number, size: number | undefined): IncomingStream {
    if (this.#isOpened(number)) throw new TautlineError({ code: "BAD_REQUEST", message: "a stream comes once" });
    if (this.#incoming.size >= maxStreamsPerCall) {
      throw new TautlineError({ code: "TOO_MANY_REQUESTS", message: `at most ${maxStreamsPerCall} streams in a call` });
    }
    this.#opened.add(number);
    while (this.#opened.delete(this.#openedUpTo + 1)) this.#openedUpTo++;
    const granted = this.#role === "caller" ? windowBytes : 0;
    const { windowBytes: most, budget } = this.#host;
    const window = new WindowSize(this.#line, most);
    const stream = new IncomingStream(this, { number, size, window, granted, budget });
    this.#incoming.set(number, stream);
    if (budget !== undefined) this.#budgeted.push(stream);
    // To keep the grant of its credit may have been too much for the session, which is lost then.
    if (this.#over) stream.close(this.#stopped);
    return stream;
  }

  /** @throws TautlineError `BAD_MESSAGE` where it breaks the protocol. What is said of a stream that is over was on its way. */
  receive(message: StreamMessage, frameLength: number): void {
    const number = message[2];
    switch (message[0]) {
      case messageType.upItem:
      case messageType.downItem:
        return this.#receiver(number)?.onItem(message[3], frameLength);
      case messageType.upEnd:
      case messageType.downEnd:
        return this.#receiver(number)?.close(message[3] === undefined ? undefined : this.#host.readError(message[3]));
      case messageType.upCredit:
      case messageType.downCredit:
        this.#begun = true;
        return this.#outgoing.get(number)?.onCredit(message[3], message[4]);
      case messageType.upStop:
      case messageType.downStop:
        this.#stopped = new TautlineError({ code: "CLIENT_CLOSED_REQUEST" });
        return this.#outgoing.get(number)?.abort();
    }
  }

  /** The call has settled. @param answered what it asked for was done: all that was sent up to its end counts as taken. */
  settle(answered: boolean): void {
    this.#settled = true;
    this.#answered = answered;
    this.#endWithCall();
  }

  /** Nobody waits for the call any more, or its session is lost. */
  abort(reason: TautlineError): void {
    this.#settled = true;
    this.#stopped = reason;
    for (const stream of this.#outgoing.values()) stream.abort();
    for (const stream of this.#incoming.values()) stream.close(reason);
    this.#endWithCall();
  }

  sendItem(stream: number, value: unknown): number {
    const { id } = this.#call;
    const { item } = sentBy[this.#role];
    return this.#call.send(value === undefined ? [item, id, stream] : [item, id, stream, value]);
  }

  sendEnd(stream: number, shape?: unknown): void {
    const { id } = this.#call;
    const { end } = sentBy[this.#role];
    const ended = this.#role === "caller" ? this.#outgoing.get(stream) : undefined;
    if (shape === undefined && ended !== undefined) this.#ended.push(ended);
    this.#call.send(shape === undefined ? [end, id, stream] : [end, id, stream, shape]);
  }

  sendCredit(stream: number, total: number, taken: number): void {
    this.#call.send([sentBy[this.#role].credit, this.#call.id, stream, total, taken]);
  }

  sendStop(stream: number): void {
    this.#call.send([sentBy[this.#role].stop, this.#call.id, stream]);
  }

  drained(stream: number): Promise<void> | undefined {
    return this.#call.drained(stream);
  }

  /** An item cannot be taken: the stream is over. */
  refuse(number: number, error: TautlineError): void {
    this.#incoming.get(number)?.refuse(error);
  }

  read(value: unknown): unknown {
    return this.#host.read(value);
  }

  onTaken(stream: OutgoingStream | IncomingStream): void {
    const { number, taken, size } = stream;
    const direction = stream instanceof OutgoingStream === (this.#role === "caller") ? "up" : "down";
    this.#call.onProgress?.({ direction, stream: number, bytes: taken, totalBytes: size });
  }

  onOver(stream: OutgoingStream | IncomingStream): void {
    if (stream instanceof OutgoingStream) this.#outgoing.delete(stream.number);
    else this.#incoming.delete(stream.number);
    this.#endWithCall();
  }

  #receiver(number: number): IncomingStream | undefined {
    if (!this.#isOpened(number)) throw badMessage("an item of no stream");
    return this.#incoming.get(number);
  }

  #isOpened(number: number): boolean {
    return number <= this.#openedUpTo || this.#opened.has(number);
  }

  #fail(stream: OutgoingStream, error: unknown): void {
    if (stream.settled) return;
    this.#call.onSourceFailed?.(error);
    try {
      stream.sendError(this.#host.shapeOf(error, this.#call));
    } catch {
      // It is too much to be sent, say.
      stream.sendError(genericShape);
    }
  }

  /** When the call has settled and nothing goes down any more, what goes up is over too; neither end says so. */
  #endWithCall(): void {
    const down = this.#role === "caller" ? this.#incoming : this.#outgoing;
    if (!this.#settled || this.#over || down.size > 0) return;
    this.#over = true;
    const reason = new TautlineError({ code: "CLIENT_CLOSED_REQUEST", message: "the call is over" });
    for (const stream of this.#outgoing.values()) stream.abort();
    for (const stream of this.#incoming.values()) stream.close(reason);
    for (const stream of this.#budgeted) stream.release();
    if (this.#answered && this.#stopped === undefined) for (const stream of this.#ended) stream.onAllTaken();
    this.#onOver();
    this.#call.onStreamsOver(this.#stopped);
  }
}

/** A source that cannot be begun, such as a ReadableStream that somebody else reads, fails when it is first asked for an item. */
function begin(items: AsyncIterable<unknown>): AsyncIterable<unknown> {
  const iterator = tryBegin(items);
  return { [Symbol.asyncIterator]: () => iterator };
}

function tryBegin(items: AsyncIterable<unknown>): AsyncIterator<unknown> {
  try {
    return items[Symbol.asyncIterator]();
  } catch (error) {
    return {
      next: async () => {
        throw error;
      },
    };
  }
}
