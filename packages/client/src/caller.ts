import { TautlineError } from "@tautline/core";
import { Deadlines, Peer } from "@tautline/core/internals";
import { systemClock } from "./clock.ts";
import { Dialer } from "./dialer.ts";
import type { ConnectionOptions } from "./options.ts";
import { Request } from "./request.ts";
import { Subscription, type SubscriptionCallbacks } from "./subscription.ts";

/** A tRPC transformer's client half. */
export interface ClientTransformer {
  readonly input: { serialize(value: unknown): unknown };
  readonly output: { deserialize(value: unknown): unknown };
}

/** How one call is to be made. */
export interface CallerOptions {
  /** Aborting it ends the call, on the server too. */
  readonly signal?: AbortSignal | null | undefined;
  /** Ends a query or mutation with `TIMEOUT` after so long, in ms; a subscription that has not started by then. Default off. */
  readonly timeoutMs?: number | undefined;
}

/** Calls procedures by path over one connection: what `createClient` and `tautlineLink` have in common. */
export class Caller {
  readonly connection: Dialer;
  readonly peer: Peer;
  readonly deadlines: Deadlines = new Deadlines(systemClock);
  readonly transformer: ClientTransformer;

  constructor(options: ConnectionOptions, transformer: ClientTransformer) {
    this.transformer = transformer;
    this.peer = new Peer({ maxFrameBytes: options.maxFrameBytes });
    this.connection = new Dialer(options, this.peer, {
      clock: systemClock,
      deadlines: this.deadlines,
      random: Math.random,
      readError: (shape) => this.readError(shape),
    });
  }

  request(type: "query" | "mutation", path: string, input: unknown, options: CallerOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      new Request(this, { type, path, input, options, resolve, reject });
    });
  }

  subscribe(path: string, input: unknown, callbacks: SubscriptionCallbacks, options: CallerOptions): Subscription {
    return new Subscription(this, { path, input, callbacks, options });
  }

  /** The error that a shape stands for, read by the transformer. */
  readError(shape: unknown): TautlineError {
    try {
      return TautlineError.fromShape(this.transformer.output.deserialize(shape));
    } catch {
      return TautlineError.fromShape(shape);
    }
  }
}
