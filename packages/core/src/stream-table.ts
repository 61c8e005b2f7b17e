import type { StreamToSend } from "./attached.ts";
import { CallStreams, type StreamHost, type StreamingCall, type StreamRole } from "./call-streams.ts";
import type { TautlineError } from "./errors.ts";
import type { StreamMessage } from "./protocol.ts";
import { StreamLine } from "./stream-line.ts";
import { mayHoldStreams, setOpener, streamsOf } from "./stream-slot.ts";

/** The streams of all calls that one end makes, or of all that it takes. */
export class StreamTable<Call extends StreamingCall = StreamingCall> {
  readonly #role: StreamRole;
  readonly #createHost: () => StreamHost;
  /** Made when there is a stream, like what follows: most sessions never have one. */
  #host: StreamHost | undefined;
  #line: StreamLine | undefined;
  #calls: Map<number, { readonly call: Call; readonly streams: CallStreams }> | undefined;

  /** Calls with streams that there were. */
  #count = 0;

  /** @param createHost is called once, with the first stream. */
  constructor(role: StreamRole, createHost: () => StreamHost) {
    this.#role = role;
    this.#createHost = createHost;
  }

  /** Calls with streams that flow. */
  get size(): number {
    return this.#calls?.size ?? 0;
  }

  /** Calls that have settled, of which streams flow. */
  get settled(): number {
    let count = 0;
    for (const { streams } of this.#calls?.values() ?? []) if (streams.settled) count++;
    return count;
  }

  /** Whether there are calls and items beside the streams. */
  get isShared(): boolean {
    return this.size > 0 && this.#line?.isShared === true;
  }

  has(id: number): boolean {
    return this.#calls?.has(id) === true;
  }

  count(isCounted: (call: Call) => boolean): number {
    let count = 0;
    for (const { call } of this.#calls?.values() ?? []) if (isCounted(call)) count++;
    return count;
  }

  /** Numbers the streams of a value that is to be sent; undefined where it holds none. `start` sends them once the value was sent. */
  prepare(value: unknown, id: number): readonly StreamToSend[] | undefined {
    const slots = streamsOf(value);
    let number = this.#calls?.get(id)?.streams.sent ?? 0;
    for (const slot of slots ?? []) slot.number = ++number;
    return slots;
  }

  /** Sends the items of streams whose value was sent. */
  start(slots: readonly StreamToSend[] | undefined, call: Call): void {
    for (const slot of slots ?? []) this.#of(call).start(slot);
  }

  /**
   * Lets the streams of a value that has come be opened by whoever reads it.
   *
   * @param call asked for where the value may hold any.
   */
  accept(value: unknown, call: () => Call): void {
    if (mayHoldStreams(value)) setOpener(value, (number, size) => this.#of(call()).open(number, size));
  }

  /** @throws TautlineError `BAD_MESSAGE` where it breaks the protocol. What is said of a call that is over was on its way. */
  receive(message: StreamMessage, frameLength: number): void {
    this.#calls?.get(message[1])?.streams.receive(message, frameLength);
  }

  /** An item of a stream cannot be taken. */
  refuse(id: number, stream: number, error: TautlineError): void {
    this.#calls?.get(id)?.streams.refuse(stream, error);
  }

  /** The call has settled. @param answered what it asked for was done. */
  settle(id: number, answered = false): void {
    this.#calls?.get(id)?.streams.settle(answered);
  }

  /** Nobody waits for the call any more. Returns whether anything flowed. */
  abort(id: number, reason: TautlineError): boolean {
    const found = this.#calls?.get(id);
    found?.streams.abort(reason);
    return found !== undefined;
  }

  /** The session is lost. */
  abortAll(reason: TautlineError, isOn: (call: Call) => boolean = () => true): void {
    for (const { call, streams } of Array.from(this.#calls?.values() ?? [])) if (isOn(call)) streams.abort(reason);
  }

  /** Forgets the streams of a call that is to be made again. Returns whether it can be: none of them has begun. */
  release(id: number): boolean {
    const begun = this.#calls?.get(id)?.streams.begun === true;
    if (!begun) this.#calls?.delete(id);
    return !begun;
  }

  #of(call: Call): CallStreams {
    const known = this.#calls?.get(call.id);
    if (known !== undefined) return known.streams;
    this.#count++;
    this.#host ??= this.#createHost();
    this.#calls ??= new Map();
    const calls = this.#calls;
    // Calls from before there was a stream are beside none.
    if (this.#line === undefined || calls.size === 0) this.#line = this.#createLine(this.#host);
    const streams = new CallStreams(this.#role, this.#host, this.#line, call, () => calls.delete(call.id));
    calls.set(call.id, { call, streams });
    return streams;
  }

  #createLine(host: StreamHost): StreamLine {
    return new StreamLine(host.clock, () => (host.beside?.() ?? 0) - this.#count);
  }
}
