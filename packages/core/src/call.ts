import type { StreamProgress } from "./call-streams.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";
import { TautlineError } from "./errors.ts";
import { type CalledProcedure, type EventGap, OutgoingCall } from "./outgoing-call.ts";
import type { OutgoingCalls } from "./outgoing-calls.ts";
import { report } from "./report.ts";
import type { Values } from "./values.ts";

/** How one call is to be made. */
export interface CallOptions {
  /** Aborting it ends the call, at both ends. */
  readonly signal?: AbortSignal | null | undefined;
  /** Ends the call with `TIMEOUT` where there is no answer, or no start of a subscription, after so long, in ms. Default off. */
  readonly timeoutMs?: number | undefined;
  /** Of a mutation: running it twice does what running it once does, so it may be sent again. Default: as the contract says. */
  readonly idempotent?: boolean | undefined;
  /**
   * Hears how far the call's streams have come: what goes up about every 128 KiB that the other end has taken, and when it is done;
   * what comes down with each item that is taken here.
   */
  readonly onProgress?: ((progress: StreamProgress) => void) | undefined;
}

/** What is called, and how. */
export interface CallDefinition extends CalledProcedure {
  readonly input: unknown;
  readonly options: CallOptions;
  /** The input's check, which may take its time; the call is made after it. */
  readonly checked?: Promise<void> | undefined;
}

/** Who waits for a call. What a callback throws is reported as uncaught, and harms nothing else. */
export interface CallHandlers {
  /** The answer of a query or mutation; of a subscription, that the server has no more items. */
  onDone(result: unknown): void;
  onError(error: TautlineError): void;
  onStarted?(): void;
  /** The subscription has started anew, and what there was in between is not known. */
  readonly onGap?: ((gap?: EventGap) => void) | undefined;
  /**
   * An item; one that the server tracks as `{ id, data }`.
   *
   * @param take is to be called when it has been taken: the server sends so much and no more ahead of that.
   */
  onItem?(item: unknown, eventId: string | undefined, take: () => void): void;
}

/** What calls go over, whatever it is made of. */
export interface CallConnection {
  /** A call is made. @throws TautlineError where there is no connection to be had. */
  use(): void;
  /** A call has settled. */
  release(): void;
  /** Calls `listener` at each change of its state; returns what stops that. There where its user can watch it. */
  subscribe?(listener: (state: unknown) => void): () => void;
}

/** What the calls of one end share. */
export interface CallRuntime {
  /** Asked for at each call: what stands for it may not be there before. */
  readonly calls: OutgoingCalls;
  readonly connection: CallConnection;
  readonly deadlines: Deadlines;
  readonly values: Values;
}

/** Makes a query or mutation, and waits for its answer. */
export function request(runtime: CallRuntime, definition: CallDefinition): Promise<unknown> {
  return new Promise((onDone, onError) => {
    new Call(runtime, definition, { onDone, onError });
  });
}

/** A call from its start to its end. It settles once: done, failed, or cancelled. */
export class Call extends OutgoingCall {
  readonly options: CallOptions;
  readonly #runtime: CallRuntime;
  readonly #handlers: CallHandlers;
  #deadline: Deadline | undefined;
  #settled = false;

  constructor(runtime: CallRuntime, definition: CallDefinition, handlers: CallHandlers) {
    super(definition);
    const { input, options, checked } = definition;
    this.options = options;
    this.#runtime = runtime;
    this.#handlers = handlers;
    if (checked === undefined) this.#start(input);
    else
      void checked.catch((thrown: unknown) => this.onFailed(TautlineError.from(thrown))).then(() => this.#start(input));
    this.#watch();
  }

  /** Ends the call at both ends: with an error, or without a word to its handlers. */
  cancel(error?: TautlineError, code?: "TIMEOUT"): void {
    if (this.#settled) return;
    // What was never sent may have nowhere to be sent.
    if (this.id > 0) this.#runtime.calls.cancel(this, code);
    this.#settle(() => error && this.#handlers.onError(error));
  }

  onResult(value: unknown): void {
    const result = this.#read(value);
    if (result !== unreadable) this.#settle(() => this.#handlers.onDone(result));
  }

  onEnd(): void {
    this.#settle(() => this.#handlers.onDone(undefined));
  }

  onStarted(): void {
    this.#deadline?.cancel();
    report(() => this.#handlers.onStarted?.());
  }

  onItem(value: unknown, eventId: string | undefined, length: number): void {
    const item = this.#read(value);
    if (item === unreadable) return;
    const { id } = this;
    const take = (): void => this.#runtime.calls.take(this, id, length);
    report(() => this.#handlers.onItem?.(eventId === undefined ? item : { id: eventId, data: item }, eventId, take));
  }

  onGap(gap?: EventGap): void {
    report(() => this.#handlers.onGap?.(gap));
  }

  onStreamsOver(): void {
    this.#runtime.connection.release();
  }

  onError(shape: unknown): void {
    this.onFailed(this.#runtime.values.readError(shape));
  }

  onFailed(error: TautlineError): void {
    this.#settle(() => this.#handlers.onError(error));
  }

  /** The call's signal is aborted. */
  handleEvent(): void {
    this.cancel(aborted(this.options.signal));
  }

  override begin(): void {
    const { signal } = this.options;
    if (this.#settled || signal?.aborted === true) throw aborted(signal);
    this.#runtime.connection.use();
  }

  /** One that has settled too: the streams in its input are told that they are not sent. */
  #start(input: unknown): void {
    const runtime = this.#runtime;
    try {
      runtime.calls.call(this, runtime.values.write(input));
    } catch (thrown) {
      // Nobody is told of a failure before they hold the call.
      queueMicrotask(() => this.onFailed(TautlineError.from(thrown)));
    }
  }

  /** Its time begins, and its signal is heard, also while its input is checked. */
  #watch(): void {
    // Keeping it may have been too much: then it has failed already.
    if (this.#settled) return;
    const { signal, timeoutMs } = this.options;
    if (timeoutMs !== undefined) this.#deadline = this.#runtime.deadlines.add(timeoutMs, () => this.#onTimeout());
    if (signal?.aborted === true) queueMicrotask(() => this.handleEvent());
    else signal?.addEventListener("abort", this);
  }

  /** A value as it was meant. One that cannot be read ends the call. */
  #read(value: unknown): unknown {
    try {
      return this.#runtime.values.read(value, this.path);
    } catch (cause) {
      this.cancel(new TautlineError({ code: "PARSE_ERROR", message: "unreadable value", cause }));
      return unreadable;
    }
  }

  #onTimeout(): void {
    const message = `no answer in ${this.options.timeoutMs} ms`;
    this.cancel(new TautlineError({ code: "TIMEOUT", message }), "TIMEOUT");
  }

  /** The call is over, and its handlers hear of it; unless it was over before. */
  #settle(tell: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline?.cancel();
    this.options.signal?.removeEventListener("abort", this);
    this.#runtime.connection.release();
    report(tell);
  }
}

const unreadable: unique symbol = Symbol();

function aborted(signal: CallOptions["signal"]): TautlineError {
  return new TautlineError({ code: "CLIENT_CLOSED_REQUEST", message: "aborted", cause: signal?.reason });
}
