import { Call, type CallConnection, type CallDefinition, type CallRuntime } from "./call.ts";
import type { Deadlines } from "./deadlines.ts";
import { TautlineError } from "./errors.ts";
import type { OutgoingCalls } from "./outgoing-calls.ts";
import { readError, readOutput, type Transformer } from "./transformer.ts";

/** The connection of a caller; one that its user can watch has `subscribe`. */
export interface CallerConnection extends CallConnection {
  /** Calls `listener` at each change of its state; returns what stops that. */
  subscribe?(listener: (state: unknown) => void): () => void;
}

/** What a caller is made of besides its connection. */
export interface CallerParts {
  readonly calls: OutgoingCalls;
  readonly deadlines: Deadlines;
  readonly transformer: Transformer | undefined;
}

/** Calls procedures of the other end by path: what every kind of client has in common. */
export class Caller<Connection extends CallerConnection = CallerConnection> implements CallRuntime {
  readonly connection: Connection;
  readonly parts: CallerParts;

  constructor(connection: Connection, parts: CallerParts) {
    this.connection = connection;
    this.parts = parts;
  }

  /** Sends a query or mutation, and waits for its answer. */
  request(call: CallDefinition): Promise<unknown> {
    return new Promise((onDone, onError) => {
      new Call(this, call, { onDone, onError });
    });
  }

  write(value: unknown): unknown {
    const { transformer } = this.parts;
    try {
      return value === undefined || transformer === undefined ? value : transformer.input.serialize(value);
    } catch (cause) {
      throw TautlineError.from(cause, "BAD_REQUEST", "unsendable value");
    }
  }

  read(value: unknown, _path: string): unknown {
    return readOutput(value, this.parts.transformer);
  }

  readError(shape: unknown): TautlineError {
    return readError(shape, this.parts.transformer);
  }
}
