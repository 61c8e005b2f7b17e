import { Call, type CallConnection, type CallOptions, type CallRuntime } from "./call.ts";
import type { Deadlines } from "./deadlines.ts";
import { TautlineError } from "./errors.ts";
import type { OutgoingCalls } from "./outgoing-calls.ts";
import { readError, readOutput, type Transformer } from "./transformer.ts";

/** The connection of a caller; one that its user can watch has `subscribe`. */
export interface CallerConnection extends CallConnection {
  /** Calls `listener` at each change of its state; returns what stops that. */
  subscribe?(listener: (state: unknown) => void): () => void;
}

/** Calls procedures of the other end by path: what every kind of client has in common. */
export class Caller<Connection extends CallerConnection = CallerConnection> implements CallRuntime {
  readonly connection: Connection;
  readonly calls: OutgoingCalls;
  readonly deadlines: Deadlines;
  readonly #transformer: Transformer | undefined;

  constructor(
    connection: Connection,
    {
      calls,
      deadlines,
      transformer,
    }: Pick<CallRuntime, "calls" | "deadlines"> & { transformer: Transformer | undefined },
  ) {
    this.connection = connection;
    this.calls = calls;
    this.deadlines = deadlines;
    this.#transformer = transformer;
  }

  /** Sends a query or mutation, and waits for its answer. */
  request(type: "query" | "mutation", path: string, input: unknown, options: CallOptions): Promise<unknown> {
    return new Promise((onDone, onError) => {
      new Call(this, { type, path, input, options }, { onDone, onError });
    });
  }

  write(value: unknown): unknown {
    try {
      return value === undefined || this.#transformer === undefined ? value : this.#transformer.input.serialize(value);
    } catch (cause) {
      throw cause instanceof TautlineError
        ? cause
        : new TautlineError({ code: "BAD_REQUEST", message: "unsendable value", cause });
    }
  }

  read(value: unknown): unknown {
    return readOutput(value, this.#transformer);
  }

  readError(shape: unknown): TautlineError {
    return readError(shape, this.#transformer);
  }
}
