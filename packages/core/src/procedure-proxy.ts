import { type CallRuntime, request } from "./call.ts";
import type { Contract, ProcedureType } from "./contract.ts";
import { createPathProxy } from "./path-proxy.ts";
import { type SubscribeOptions, subscribe } from "./subscribe.ts";

/** What looks at a call's input before it is sent: undefined, or a promise that rejects where it does not fit. */
export type InputCheck = (contract: Contract, path: string, input: unknown) => Promise<void> | undefined;

/** What is known of the procedures that are called. */
export interface KnownProcedures {
  readonly contract?: Contract;
  readonly checkInput?: InputCheck;
}

const types: ReadonlyMap<string, ProcedureType> = new Map([
  ["query", "query"],
  ["mutate", "mutation"],
  ["subscribe", "subscription"],
]);

/**
 * The other end's procedures, to be called by their names: `proxy.chat.send.mutate(input)`.
 *
 * @param steps what else is found on it, by name.
 */
export function createProcedureProxy(
  runtime: CallRuntime,
  { contract, checkInput }: KnownProcedures,
  steps?: Map<string, unknown>,
): unknown {
  return createPathProxy((path, method, [input, given]) => {
    const type = types.get(method);
    if (type === undefined) throw new TypeError(`${path}.${method}() is no query, mutate or subscribe`);
    const options: SubscribeOptions = given ?? {};
    const idempotent = type === "mutation" && (options.idempotent ?? isIdempotent(contract, path));
    const checked = contract && checkInput?.(contract, path, input);
    const call = { type, path, input, options, idempotent, checked };
    return type === "subscription" ? subscribe(runtime, call) : request(runtime, call);
  }, steps);
}

/** Whether a contract says that running a mutation twice does what running it once does. */
function isIdempotent(contract: Contract | undefined, path: string): boolean {
  let node: unknown = contract;
  for (const name of path.split(".")) node = (Object(node) as Record<string, unknown>)[name];
  return (Object(node) as { idempotent?: unknown }).idempotent === true;
}
