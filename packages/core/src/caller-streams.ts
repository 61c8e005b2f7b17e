import type { StreamToSend } from "./attached.ts";
import type { StreamHost, StreamingCall, StreamProgress } from "./call-streams.ts";
import type { Clock } from "./clock.ts";
import { encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import { type EncodedMessage, type Frame, frameLength } from "./frame.ts";
import * as messageType from "./message-type.ts";
import { defaultMaxMessageBytes } from "./options.ts";
import type { OutgoingCall } from "./outgoing-call.ts";
import { PartCollector } from "./part-collector.ts";
import { PartSender } from "./part-sender.ts";
import type { MessagePipe } from "./pipe.ts";
import type { CalleePartMessage, CalleeStreamMessage, StreamMessage } from "./protocol.ts";
import { report } from "./report.ts";
import { discardStreams } from "./stream-slot.ts";
import { StreamTable } from "./stream-table.ts";
import type { Values } from "./values.ts";

/** What the streams of an end's own calls are made from. */
export interface CallerStreamsOptions {
  readonly values: Values;
  /** The largest message sent, in as many parts as it takes, in bytes. Default 1 MiB. */
  readonly maxMessageBytes?: number | undefined;
  readonly clock: Pick<Clock, "now" | "turn">;
  /** As of a `StreamHost`. */
  readonly beside: () => number;
  /** A call has settled before, and nothing of its streams flows any more. */
  readonly onOver: (call: Pick<OutgoingCall, "id" | "pipe">) => void;
  /** How much of a stream that comes down may be ahead of its reader at most, in bytes. */
  readonly windowBytes: number;
}

/** The streams of the calls that this end makes. */
export class CallerStreams {
  readonly #table: StreamTable<SentCall>;
  #collector = new PartCollector(Number.POSITIVE_INFINITY);
  readonly #senders = new Map<MessagePipe, PartSender>();
  /** What stops listening to the signals of calls whose streams outlive them. */
  readonly #unwatch = new Map<number, () => void>();
  readonly #clock: Pick<Clock, "turn">;
  readonly #values: Values;
  readonly #maxMessageBytes: number;
  readonly onOver: CallerStreamsOptions["onOver"];

  constructor(options: CallerStreamsOptions) {
    this.#table = new StreamTable("caller", () => createHost(options));
    this.#clock = options.clock;
    this.onOver = options.onOver;
    this.#values = options.values;
    this.#maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  }

  get maxMessageBytes(): number {
    return this.#maxMessageBytes;
  }

  send(id: number, stream: number, message: EncodedMessage, pipe: MessagePipe): void {
    const sender = this.#senders.get(pipe) ?? new PartSender(messageType.upPart, pipe, this.#clock, this.#table);
    this.#senders.set(pipe, sender);
    sender.send(id, stream, message);
  }

  collect(part: CalleePartMessage): Frame | undefined {
    return this.#collector.add(part);
  }

  sent(id: number, stream: number, pipe: MessagePipe): Promise<void> | undefined {
    return this.#senders.get(pipe)?.sent(id, stream);
  }

  drop({ id, pipe }: Pick<OutgoingCall, "id" | "pipe">): boolean {
    this.#collector.drop(id);
    return pipe !== undefined && this.#senders.get(pipe)?.drop(id) === true;
  }

  prepare(input: unknown): readonly StreamToSend[] | undefined {
    return this.#table.prepare(input, 0);
  }

  start(call: OutgoingCall): void {
    if (call.slots !== undefined) this.#table.start(call.slots, this.#sent(call));
  }

  accept(value: unknown, call: OutgoingCall): void {
    this.#table.accept(value, () => this.#sent(call));
  }

  receive(message: CalleeStreamMessage, frameLength: number): void {
    this.#table.receive(message, frameLength);
  }

  has(id: number): boolean {
    return this.#table.has(id);
  }

  /** Calls that have settled, of which streams flow. */
  get settled(): number {
    return this.#table.settled;
  }

  countOn(pipe: MessagePipe): number {
    return this.#table.count((call) => call.pipe === pipe);
  }

  settle(id: number, answered: boolean): void {
    this.#table.settle(id, answered);
  }

  /** Nobody waits for the call any more. Sources in its input of which nothing flowed are told, too. */
  abort({ id, slots }: OutgoingCall, reason: TautlineError): void {
    if (!this.#table.abort(id, reason)) discardStreams(slots);
  }

  /** The call has its answer, and streams of it flow: its signal ends them. */
  watch({ id, options: { signal } }: OutgoingCall, end: () => void): void {
    if (!signal) return;
    if (signal.aborted) return end();
    signal.addEventListener("abort", end);
    this.#unwatch.set(id, () => signal.removeEventListener("abort", end));
  }

  unwatch(id: number): void {
    this.#unwatch.get(id)?.();
    this.#unwatch.delete(id);
  }

  /** The error of a call of which a source has failed: what the other end makes of it says less than what has happened here. */
  errorOf({ sourceError }: OutgoingCall, shape: unknown): TautlineError {
    const error = this.#values.readError(shape);
    error.cause = sourceError;
    return error;
  }

  release(id: number): boolean {
    return this.#table.release(id);
  }

  abortOn(pipe: MessagePipe, reason: TautlineError): void {
    this.#senders.get(pipe)?.dropAll();
    this.#senders.delete(pipe);
    const lost = new TautlineError({ code: "SESSION_LOST", cause: reason });
    this.#table.abortAll(lost, (call) => call.pipe === pipe);
  }

  /** Every call is over. */
  close(reason: TautlineError): void {
    for (const sender of this.#senders.values()) sender.dropAll();
    this.#senders.clear();
    this.#collector = new PartCollector(Number.POSITIVE_INFINITY);
    this.#table.abortAll(reason);
  }

  #sent(call: OutgoingCall): SentCall {
    return new SentCall(call, this);
  }
}

/** A call that was sent, as its streams see it. */
class SentCall implements StreamingCall {
  readonly id: number;
  readonly pipe: MessagePipe | undefined;
  readonly #call: OutgoingCall;
  readonly #streams: CallerStreams;

  constructor(call: OutgoingCall, streams: CallerStreams) {
    this.id = call.id;
    this.pipe = call.pipe;
    this.#call = call;
    this.#streams = streams;
  }

  send(message: StreamMessage): number {
    const encoded = encodeMessage(message, this.#streams.maxMessageBytes);
    const stream = message[0] === messageType.upItem ? message[2] : 0;
    if (this.pipe !== undefined) this.#streams.send(this.id, stream, encoded, this.pipe);
    return frameLength(encoded);
  }

  drained(stream: number): Promise<void> | undefined {
    return this.pipe && (this.#streams.sent(this.id, stream, this.pipe) ?? this.pipe.drained());
  }

  onProgress(progress: StreamProgress): void {
    report(() => this.#call.options.onProgress?.(progress));
  }

  onSourceFailed(error: unknown): void {
    this.#call.sourceError ??= error;
  }

  onStreamsOver(): void {
    this.#streams.unwatch(this.id);
    this.#streams.onOver(this);
    this.#call.onStreamsOver();
  }
}

function createHost({ values, clock, beside, windowBytes }: CallerStreamsOptions): StreamHost {
  return {
    clock,
    beside,
    windowBytes,
    write: (value) => values.input.serialize(value),
    read: (value) => values.output.deserialize(value),
    shapeOf,
    readError: (shape) => values.readError(shape),
  };
}

/** What a source of this end has thrown: code and message where it was meant for the other end, and nothing else. */
function shapeOf(error: unknown): unknown {
  const { code, message } =
    error instanceof TautlineError ? error : new TautlineError({ code: "INTERNAL_SERVER_ERROR" });
  return { message, data: { code } };
}
