import type { CallOptions } from "./call.ts";
import type { Caller } from "./caller.ts";
import type { Contract } from "./contract.ts";
import { createPathProxy } from "./path-proxy.ts";
import { type SubscribeOptions, subscribe } from "./subscribe.ts";

/** What looks at a call's input before it is sent: undefined, or a promise that rejects where it does not fit. */
export type InputCheck = (contract: Contract, path: string, input: unknown) => Promise<void> | undefined;

/** What is known of the procedures that are called. */
export interface KnownProcedures {
  readonly contract?: Contract;
  readonly checkInput?: InputCheck;
}

/**
 * The other end's procedures, to be called by their names: `proxy.chat.send.mutate(input)`.
 *
 * @param steps what else is found on it, by name.
 */
export function createProcedureProxy(caller: Caller, known: KnownProcedures, steps?: Map<string, unknown>): unknown {
  const calls = new ProcedureCalls(caller, known);
  return createPathProxy((path, method, args) => calls.call(path, method, args[0], args[1] ?? {}), steps);
}

/** What a call on the proxy turns into. */
class ProcedureCalls {
  readonly #caller: Caller;
  readonly #contract: Contract | undefined;
  readonly #checkInput: InputCheck | undefined;

  constructor(caller: Caller, { contract, checkInput }: KnownProcedures) {
    this.#caller = caller;
    this.#contract = contract;
    this.#checkInput = checkInput;
  }

  call(path: string, method: string, input: unknown, options: SubscribeOptions): unknown {
    switch (method) {
      case "query":
        return this.#request("query", path, input, options);
      case "mutate":
        return this.#request("mutation", path, input, options);
      case "subscribe":
        return subscribe(this.#caller, { path, input, checked: this.#check(path, input), options });
      default:
        throw new TypeError(`${path}.${method}() is no query, mutate or subscribe`);
    }
  }

  #request(type: "query" | "mutation", path: string, input: unknown, options: CallOptions): Promise<unknown> {
    const again = type === "mutation" && options.idempotent === undefined && isIdempotent(this.#contract, path);
    const callOptions = again ? { ...options, idempotent: true } : options;
    const send = (): Promise<unknown> => this.#caller.request(type, path, input, callOptions);
    return this.#check(path, input)?.then(send) ?? send();
  }

  #check(path: string, input: unknown): Promise<void> | undefined {
    return this.#contract && this.#checkInput?.(this.#contract, path, input);
  }
}

/** Whether a contract says that running a mutation twice does what running it once does. */
function isIdempotent(contract: Contract | undefined, path: string): boolean {
  let node: unknown = contract;
  for (const name of path.split(".")) node = (Object(node) as Record<string, unknown>)[name];
  return (Object(node) as { idempotent?: unknown }).idempotent === true;
}
