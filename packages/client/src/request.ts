import { TautlineError } from "@tautline/core";
import type { Caller, CallerOptions } from "./caller.ts";
import { Outgoing } from "./outgoing.ts";

interface RequestDefinition {
  readonly type: "query" | "mutation";
  readonly path: string;
  readonly input: unknown;
  readonly options: CallerOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: TautlineError) => void;
}

/** A query or mutation that waits for its answer. */
export class Request extends Outgoing {
  readonly #definition: RequestDefinition;

  constructor(caller: Caller, definition: RequestDefinition) {
    super(caller, definition.options);
    this.#definition = definition;
    this.start(definition.type, definition.path, definition.input);
  }

  override onResult(value: unknown): void {
    if (!this.settle()) return;
    let result: unknown;
    try {
      result = value === undefined ? undefined : this.caller.transformer.output.deserialize(value);
    } catch (cause) {
      return this.fail(new TautlineError({ code: "PARSE_ERROR", message: "the transformer cannot read the result", cause }));
    }
    this.#definition.resolve(result);
  }

  override onStarted(): void {}

  override onItem(): void {}

  /** A server that answers a query as if it were a subscription. */
  override onEnd(): void {
    this.onFailed(new TautlineError({ code: "BAD_MESSAGE", message: "the call ended without a result" }));
  }

  protected override fail(error: TautlineError): void {
    this.#definition.reject(error);
  }
}
