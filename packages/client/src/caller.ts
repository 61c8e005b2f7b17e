import { TautlineError } from "@tautline/core";
import { Deadlines, Peer } from "@tautline/core/internals";
import { Call, type CallOptions } from "./call.ts";
import { systemClock } from "./clock.ts";
import { Dialer } from "./dialer.ts";
import type { ConnectionOptions } from "./options.ts";
import { readTransformer, type Transformer, type TransformerOption } from "./transformer.ts";

/** Calls procedures by path over one connection: what `createClient` and `tautlineLink` have in common. */
export class Caller {
  readonly connection: Dialer;
  readonly peer: Peer;
  readonly deadlines: Deadlines = new Deadlines(systemClock);
  readonly transformer: Transformer;

  constructor(options: ConnectionOptions, transformer: TransformerOption | undefined) {
    this.transformer = readTransformer(transformer);
    this.peer = new Peer({ maxFrameBytes: options.maxFrameBytes });
    this.connection = new Dialer(options, this.peer, {
      clock: systemClock,
      deadlines: this.deadlines,
      random: Math.random,
      readError: (shape) => this.readError(shape),
    });
  }

  /** Sends a query or mutation, and waits for its answer. */
  request(type: "query" | "mutation", path: string, input: unknown, options: CallOptions): Promise<unknown> {
    return new Promise((onDone, onError) => {
      new Call(this, { type, path, input, options }, { onDone, onError });
    });
  }

  /** A value as it is sent. @throws TautlineError `BAD_REQUEST` where the transformer does not take it. */
  write(value: unknown): unknown {
    try {
      return value === undefined ? value : this.transformer.input.serialize(value);
    } catch (cause) {
      throw cause instanceof TautlineError ? cause : new TautlineError({ code: "BAD_REQUEST", message: "unsendable value", cause });
    }
  }

  /** The error that a shape stands for, read by the transformer where it can. */
  readError(shape: unknown): TautlineError {
    try {
      return TautlineError.fromShape(this.transformer.output.deserialize(shape));
    } catch {
      return TautlineError.fromShape(shape);
    }
  }
}
