import { TautlineError } from "@tautline/core";
import type { Caller, CallerOptions } from "./caller.ts";
import { Outgoing } from "./outgoing.ts";
import { report } from "./report.ts";

/** Who listens to a subscription. What a callback throws is reported as uncaught, and harms nothing else. */
export interface SubscriptionCallbacks {
  onStarted?(): void;
  /** @param eventId the id of an item that the server tracks. */
  onItem?(value: unknown, eventId: string | undefined): void;
  onError?(error: TautlineError): void;
  /** The server has no more items. */
  onStopped?(): void;
}

interface SubscriptionDefinition {
  readonly path: string;
  readonly input: unknown;
  readonly callbacks: SubscriptionCallbacks;
  readonly options: CallerOptions;
}

/** A subscription, from the call to its end. */
export class Subscription extends Outgoing {
  readonly #callbacks: SubscriptionCallbacks;

  constructor(caller: Caller, { path, input, callbacks, options }: SubscriptionDefinition) {
    super(caller, options);
    this.#callbacks = callbacks;
    this.start("subscription", path, input);
  }

  override onStarted(): void {
    this.stopTimeout();
    report(() => this.#callbacks.onStarted?.());
  }

  override onItem(value: unknown, eventId: string | undefined): void {
    let item: unknown;
    try {
      item = value === undefined ? undefined : this.caller.transformer.output.deserialize(value);
    } catch (cause) {
      this.cancel();
      return this.fail(new TautlineError({ code: "PARSE_ERROR", message: "an item cannot be read by the transformer", cause }));
    }
    report(() => this.#callbacks.onItem?.(item, eventId));
  }

  override onEnd(): void {
    if (this.settle()) report(() => this.#callbacks.onStopped?.());
  }

  /** A server that answers a subscription as if it were a query. */
  override onResult(): void {
    this.onFailed(new TautlineError({ code: "BAD_MESSAGE", message: "a subscription was answered with a result" }));
  }

  protected override fail(error: TautlineError): void {
    report(() => this.#callbacks.onError?.(error));
  }
}
