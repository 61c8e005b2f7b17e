import { TautlineError } from "@tautline/core";
import { Deadlines, OutgoingCalls } from "@tautline/core/internals";
import { Call, type CallOptions, type CallRuntime } from "./call.ts";
import { systemClock } from "./clock.ts";
import { Dialer } from "./dialer.ts";
import type { ConnectionOptions } from "./options.ts";
import { readTransformer, type Transformer, type TransformerOption } from "./transformer.ts";

/** Calls procedures by path over one connection: what `createClient` and `tautlineLink` have in common. */
export class Caller implements CallRuntime {
  readonly connection: Dialer;
  readonly calls: OutgoingCalls;
  readonly deadlines: Deadlines;
  readonly #transformer: Transformer | undefined;

  constructor(options: ConnectionOptions, transformer: TransformerOption | undefined) {
    this.#transformer = readTransformer(transformer);
    const clock = options.clock ?? systemClock;
    this.deadlines = new Deadlines(clock);
    this.calls = new OutgoingCalls(options.maxFrameBytes);
    this.connection = new Dialer(options, {
      calls: this.calls,
      clock,
      deadlines: this.deadlines,
      readError: (shape) => this.readError(shape),
    });
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
    return value === undefined || this.#transformer === undefined ? value : this.#transformer.output.deserialize(value);
  }

  readError(shape: unknown): TautlineError {
    try {
      return TautlineError.fromShape(this.read(shape));
    } catch {
      return TautlineError.fromShape(shape);
    }
  }
}
