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
export function createProcedureProxy(
  caller: Caller,
  { contract, checkInput }: KnownProcedures,
  steps?: Map<string, unknown>,
): unknown {
  const check: OnCheck = (path, input) => contract && checkInput?.(contract, path, input);
  const request = (type: "query" | "mutation", path: string, input: unknown, given: CallOptions): Promise<unknown> => {
    const again = type === "mutation" && given.idempotent === undefined && isIdempotent(contract, path);
    const options = again ? { ...given, idempotent: true } : given;
    const send = (): Promise<unknown> => caller.request(type, path, input, options);
    return check(path, input)?.then(send) ?? send();
  };
  return createPathProxy((path, method, [input, options = {}]) => {
    switch (method) {
      case "query":
        return request("query", path, input, options as CallOptions);
      case "mutate":
        return request("mutation", path, input, options as CallOptions);
      case "subscribe":
        return subscribe(caller, { path, input, checked: check(path, input), options: options as SubscribeOptions });
      default:
        throw new TypeError(`${path}.${method}() is no query, mutate or subscribe`);
    }
  }, steps);
}

type OnCheck = (path: string, input: unknown) => Promise<void> | undefined;

/** Whether a contract says that running a mutation twice does what running it once does. */
function isIdempotent(contract: Contract | undefined, path: string): boolean {
  let node: unknown = contract;
  for (const name of path.split(".")) node = (Object(node) as Record<string, unknown>)[name];
  return (Object(node) as { idempotent?: unknown }).idempotent === true;
}
