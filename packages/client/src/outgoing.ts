import { TautlineError } from "@tautline/core";
import type { CallObserver, Deadline } from "@tautline/core/internals";
import type { Caller, CallerOptions } from "./caller.ts";

/** What queries, mutations and subscriptions have in common: they start, may be aborted or time out, and settle once. */
export abstract class Outgoing implements CallObserver {
  protected readonly caller: Caller;
  readonly #options: CallerOptions;
  #id: number | undefined = undefined;
  #deadline: Deadline | undefined = undefined;
  #settled = false;
  #onAbort: (() => void) | undefined = undefined;

  protected constructor(caller: Caller, options: CallerOptions) {
    this.caller = caller;
    this.#options = options;
  }

  abstract onResult(value: unknown): void;
  abstract onStarted(): void;
  abstract onItem(value: unknown, eventId: string | undefined): void;
  abstract onEnd(): void;
  /** The call has failed, here or there. Called once, and nothing after it. */
  protected abstract fail(error: TautlineError): void;

  onError(shape: unknown): void {
    this.onFailed(this.caller.readError(shape));
  }

  onFailed(error: TautlineError): void {
    if (this.settle()) this.fail(error);
  }

  protected start(type: "query" | "mutation" | "subscription", path: string, input: unknown): void {
    const { signal, timeoutMs } = this.#options;
    // Nobody is told of a failure before they hold the call.
    const refuse = (error: TautlineError): void => queueMicrotask(() => this.onFailed(error));
    if (signal?.aborted === true) return refuse(aborted(signal));
    try {
      this.caller.connection.use();
      const serialized = input === undefined ? undefined : this.caller.transformer.input.serialize(input);
      this.#id = this.caller.peer.calls.call(type, path, serialized, this);
    } catch (thrown) {
      return refuse(notSent(thrown));
    }
    if (timeoutMs !== undefined) this.#deadline = this.caller.deadlines.add(timeoutMs, () => this.#onTimeout(timeoutMs));
    if (signal) this.#listen(signal);
  }

  /** Ends the call at both ends without a word to its owner. Returns whether it was still open. */
  cancel(code?: "TIMEOUT"): boolean {
    if (!this.settle()) return false;
    if (this.#id !== undefined) this.caller.peer.calls.cancel(this.#id, code);
    return true;
  }

  /** Whether the call was still open; from now on it is not. */
  protected settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.stopTimeout();
    if (this.#onAbort !== undefined) this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.caller.connection.release();
    return true;
  }

  protected stopTimeout(): void {
    this.#deadline?.cancel();
  }

  #listen(signal: AbortSignal): void {
    this.#onAbort = () => {
      if (this.cancel()) this.fail(aborted(signal));
    };
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  #onTimeout(timeoutMs: number): void {
    const error = new TautlineError({ code: "TIMEOUT", message: `no answer within ${timeoutMs} ms` });
    if (this.cancel("TIMEOUT")) this.fail(error);
  }
}

function aborted(signal: AbortSignal): TautlineError {
  return new TautlineError({ code: "CLIENT_CLOSED_REQUEST", message: "the call was aborted", cause: signal.reason });
}

/** What a transformer throws is the input's fault. */
function notSent(thrown: unknown): TautlineError {
  if (thrown instanceof TautlineError) return thrown;
  return new TautlineError({ code: "BAD_REQUEST", message: "the input cannot be sent", cause: thrown });
}
