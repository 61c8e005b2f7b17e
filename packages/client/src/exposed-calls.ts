import { type ProcedureType, TautlineError } from "@tautline/core";
import {
  type CallServer,
  type Clock,
  callerMessages,
  defaultMaxWindowBytes,
  type IncomingCall,
  IncomingCalls,
  type MessagePipe,
  PacedSession,
  Peer,
  Pump,
  type StreamHost,
  streamsOf,
} from "@tautline/core/internals";
import { systemClock } from "./clock.ts";
import type { Exposed, ExposedParts } from "./exposed.ts";
import type { ExposedErrorReport, ExposeOptions } from "./options.ts";
import { turningClock } from "./turn.ts";

/** A call as an exposed procedure gets it. */
export class ExposedCall<Input = unknown> {
  readonly input: Input;
  readonly #call: IncomingCall;

  constructor(call: IncomingCall, input: Input) {
    this.#call = call;
    this.input = input;
  }

  /** Fires when the server gives the call up, its time is over or its session is lost. Made when first read. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  /** The same call, with what a schema made of its input. */
  with<Parsed>(input: Parsed): ExposedCall<Parsed> {
    return new ExposedCall(this.#call, input);
  }
}

/** A procedure that is exposed. */
export interface ExposedProcedure {
  readonly type: ProcedureType;
  /** Gives the result; of a subscription, its items. */
  run(call: ExposedCall): Promise<unknown>;
  /** What goes on the wire for an item: its value, and the id after which the subscription can be continued. */
  readItem(item: unknown): { readonly value: unknown; readonly id?: string };
}

/** What is exposed: a contract with its handlers, or a router. */
export interface ExposedProcedures {
  find(path: string): Promise<ExposedProcedure | undefined>;
  /** What the server is told of what was thrown, and in which shape. */
  describe(thrown: unknown, call: IncomingCall): { readonly error: TautlineError; readonly shape: unknown };
}

export function createExposed(procedures: ExposedProcedures, options: ExposeOptions): Exposed {
  return {
    messages: callerMessages,
    Session: PacedSession,
    createEnd: (calls, parts) => {
      const server = new ExposedCalls(procedures, options, parts);
      const serve = (pipe: MessagePipe): IncomingCalls =>
        new IncomingCalls(
          pipe,
          server,
          { ...parts.options, ...options },
          parts.options.streams?.createCarriers(pipe, server.streamHost),
        );
      return new Peer({ calls, serve });
    },
  };
}

/** From the server's call to its handler and back. */
class ExposedCalls implements CallServer {
  readonly #procedures: ExposedProcedures;
  readonly #transformer: ServingTransformer;
  readonly #onError: (report: ExposedErrorReport) => void;
  readonly #clock: Pick<Clock, "now" | "turn">;
  /** What streams of the server's calls go through. */
  readonly streamHost: StreamHost;

  constructor(procedures: ExposedProcedures, { onError = logUnexpected }: ExposeOptions, parts: ExposedParts) {
    const { values, options } = parts;
    this.#procedures = procedures;
    this.#transformer = readTransformer(values);
    this.#onError = onError;
    this.#clock = turningClock(options.clock ?? systemClock);
    this.streamHost = {
      clock: this.#clock,
      windowBytes: options.streamWindowBytes ?? defaultMaxWindowBytes,
      write: (value) => this.#transformer.output.serialize(value),
      read: (value) => this.#read(value),
      // A call that comes has a callee's streams.
      shapeOf: (thrown, call) => this.#describe(thrown, call as IncomingCall),
      readError: (shape) => values.readError(shape),
    };
  }

  onCall(call: IncomingCall): void {
    this.#run(call).catch((thrown: unknown) => this.#fail(call, thrown));
  }

  onRefused(call: IncomingCall, error: TautlineError): void {
    this.#fail(call, error);
  }

  onSettled(): void {}

  async #run(call: IncomingCall): Promise<void> {
    const { type, path } = call;
    const procedure = await this.#procedures.find(path);
    if (procedure === undefined) throw failure("NOT_FOUND", `No "${type}"-procedure on path "${path.slice(0, 200)}"`);
    if (procedure.type !== type) throw failure("BAD_REQUEST", `"${path}" is a ${procedure.type}, not a ${type}`);
    if (call.settled) return;
    const result = await procedure.run(new ExposedCall(call, this.#read(call.input)));
    if (type === "subscription") this.#subscribe(result, procedure, call);
    else this.#sendResult(result, call);
  }

  /** What can be iterated is a stream, where something carries streams. */
  #sendResult(result: unknown, call: IncomingCall): void {
    const value = this.#transformer.output.serialize(result);
    if (isAsyncIterable(result) && streamsOf(value) === undefined)
      throw failure("UNSUPPORTED_MEDIA_TYPE", `a ${call.type} gives one result`);
    this.#send(() => call.sendResult(value));
  }

  #subscribe(source: unknown, procedure: ExposedProcedure, call: IncomingCall): void {
    if (!isAsyncIterable(source)) throw new TypeError(`the subscription ${call.path} gave no async iterable`);
    const onItem = (item: unknown): number => {
      const { value, id } = procedure.readItem(item);
      const text = this.#transformer.output.serialize(value);
      return this.#send(() => (id === undefined ? call.sendItem(text) : call.sendTrackedItem(id, text)));
    };
    const onError = (thrown: unknown): void => this.#fail(call, thrown);
    new Pump({ target: call, source, clock: this.#clock, onItem, onError }).start();
  }

  #read(input: unknown): unknown {
    try {
      return input === undefined ? undefined : this.#transformer.input.deserialize(input);
    } catch (cause) {
      throw failure("BAD_REQUEST", "the input cannot be read by the transformer", cause);
    }
  }

  /** What a handler gave and nobody can write is not the caller's fault. */
  #send<T>(send: () => T): T {
    try {
      return send();
    } catch (thrown) {
      const { code } = TautlineError.from(thrown);
      throw code === "BAD_REQUEST" ? failure("INTERNAL_SERVER_ERROR", "no JSON for the result", thrown) : thrown;
    }
  }

  #fail(call: IncomingCall, thrown: unknown): void {
    try {
      call.sendError(this.#describe(thrown, call));
    } catch (cause) {
      this.#report({ error: TautlineError.from(cause), type: call.type, path: call.path });
      call.sendError(genericShape);
    }
  }

  /** What the server is told of what was thrown; whoever exposes the procedures is told all. */
  #describe(thrown: unknown, call: IncomingCall): unknown {
    const { error, shape } = this.#procedures.describe(thrown, call);
    this.#report({ error, type: call.type, path: call.path });
    return this.#transformer.output.serialize(shape);
  }

  #report(report: ExposedErrorReport): void {
    // Runs it at once; what it throws is left out, and what a promise of its rejects with.
    new Promise((resolve) => resolve(this.#onError(report))).catch(() => {});
  }
}

const genericShape = { message: "Internal server error", code: -32603, data: { code: "INTERNAL_SERVER_ERROR" } };

function logUnexpected({ error, path }: ExposedErrorReport): void {
  // oxlint-disable-next-line no-console -- the documented default: an error that nobody hears of is worse
  if (error.code === "INTERNAL_SERVER_ERROR") console.error(`tautline: ${path}:`, error.cause ?? error);
}

/** A transformer as whoever serves uses it. */
interface ServingTransformer {
  readonly input: { deserialize(value: unknown): unknown };
  readonly output: { serialize(value: unknown): unknown };
}

/** @throws TypeError where a transformer only does what calling needs. */
function readTransformer({ input, output }: { readonly input: object; readonly output: object }): ServingTransformer {
  if ("deserialize" in input && "serialize" in output) return { input, output } as ServingTransformer;
  throw new TypeError("to expose procedures, the transformer has to write and read in both directions");
}

function failure(code: TautlineError["code"], message: string, cause?: unknown): TautlineError {
  return new TautlineError({ code, message, cause });
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
