import type { StreamToSend } from "./attached.ts";
import type { StreamHost, StreamingCall, StreamProgress } from "./call-streams.ts";
import { encodeMessage } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import type { CallObserver, OutgoingCall, OutgoingStreams } from "./outgoing-calls.ts";
import type { MessagePipe } from "./pipe.ts";
import type { CalleeStreamMessage, StreamMessage } from "./protocol.ts";
import { discardStreams } from "./stream-slot.ts";
import { StreamTable } from "./stream-table.ts";
import type { Transformer } from "./transformer.ts";

/** What the streams of an end's own calls are made from. */
export interface CallerStreamsOptions {
  readonly transformer: Transformer | undefined;
  readonly readError: (shape: unknown) => TautlineError;
  /** The largest message sent, in bytes. */
  readonly maxFrameBytes?: number | undefined;
  /** How much of a stream that comes down may be ahead of its reader, in bytes. */
  readonly windowBytes: number;
}

/** The streams of the calls that this end makes. */
export class CallerStreams implements OutgoingStreams {
  readonly #table: StreamTable<SentCall>;
  readonly #maxFrameBytes: number | undefined;

  constructor(options: CallerStreamsOptions) {
    this.#table = new StreamTable("caller", () => createHost(options));
    this.#maxFrameBytes = options.maxFrameBytes;
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

  countOn(pipe: MessagePipe): number {
    return this.#table.count((call) => call.pipe === pipe);
  }

  settle(id: number): void {
    this.#table.settle(id);
  }

  abort({ id, slots, pipe }: OutgoingCall, reason: TautlineError): boolean {
    if (pipe === undefined) discardStreams(slots);
    return this.#table.abort(id, reason);
  }

  release(id: number): boolean {
    return this.#table.release(id);
  }

  abortOn(pipe: MessagePipe, reason: TautlineError): void {
    this.#table.abortAll(reason, (call) => call.pipe === pipe);
  }

  #sent(call: OutgoingCall): SentCall {
    return new SentCall(call.id, call.pipe, call.observer, this.#maxFrameBytes);
  }
}

/** A call that was sent, as its streams see it. */
class SentCall implements StreamingCall {
  readonly id: number;
  readonly pipe: MessagePipe | undefined;
  readonly #observer: CallObserver;
  readonly #maxFrameBytes: number | undefined;

  constructor(id: number, pipe: MessagePipe | undefined, observer: CallObserver, maxFrameBytes: number | undefined) {
    this.id = id;
    this.pipe = pipe;
    this.#observer = observer;
    this.#maxFrameBytes = maxFrameBytes;
  }

  send(message: StreamMessage): number {
    const text = encodeMessage(message, this.#maxFrameBytes);
    this.pipe?.send(text);
    return text.length + 2;
  }

  drained(): Promise<void> | undefined {
    return this.pipe?.drained();
  }

  onProgress(progress: StreamProgress): void {
    this.#observer.onProgress?.(progress);
  }

  onStreamsOver(): void {
    this.#observer.onStreamsOver?.();
  }
}

function createHost({ transformer, readError, windowBytes }: CallerStreamsOptions): StreamHost {
  return {
    // What goes up waits for credit before it could starve anything.
    clock: { turn: () => Promise.resolve() },
    windowBytes,
    write: (value) => (transformer === undefined ? value : transformer.input.serialize(value)),
    read: (value) => (transformer === undefined ? value : transformer.output.deserialize(value)),
    shapeOf,
    readError,
  };
}

/** What a source of this end has thrown: code and message where it was meant for the other end, and nothing else. */
function shapeOf(error: unknown): unknown {
  const { code, message } =
    error instanceof TautlineError ? error : new TautlineError({ code: "INTERNAL_SERVER_ERROR" });
  return { message, data: { code } };
}
