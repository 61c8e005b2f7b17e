import { type Contract, findProcedure } from "@tautline/core";
import type { CallOptions } from "./call.ts";
import { Caller } from "./caller.ts";
import type { CreateClient } from "./client-types.ts";
import type { InputCheck } from "./input-check.ts";
import type { ConnectionOptions } from "./options.ts";
import { createPathProxy } from "./path-proxy.ts";
import { type SubscribeOptions, subscribe } from "./subscribe.ts";
import type { TransformerOption } from "./transformer.ts";

interface ClientOptions extends ConnectionOptions {
  readonly contract?: Contract;
  readonly transformer?: TransformerOption;
  readonly checkInput?: InputCheck;
}

/**
 * Makes a client: of a contract (`createClient({ contract, url })`), or of a tRPC router by its type alone
 * (`createClient<AppRouter>({ url })`). It connects with the first call. Calls reject with a TautlineError.
 */
// A boundary of inference: the proxy has no type of its own, what it is only the types of `CreateClient` know.
export const createClient: CreateClient = createUntypedClient as never;

export function createUntypedClient(options: ClientOptions): unknown {
  const caller = new Caller(options, options.transformer);
  const calls = new Calls(caller, options);
  return createPathProxy(
    (path, method, args) => calls.call(path, method, args[0], args[1] ?? {}),
    new Map([["connection", caller.connection]]),
  );
}

/** What a call on the client's proxy turns into. */
class Calls {
  readonly #caller: Caller;
  readonly #contract: Contract | undefined;
  readonly #checkInput: InputCheck | undefined;

  constructor(caller: Caller, { contract, checkInput }: ClientOptions) {
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
  const procedure = contract && findProcedure(contract, path);
  return procedure !== undefined && "idempotent" in procedure && procedure.idempotent === true;
}
