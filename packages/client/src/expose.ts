import {
  type Contract,
  ContractError,
  type ContractProcedure,
  type HandlerInput,
  type HandlerOutput,
  isProcedure,
  type TrackedItem,
} from "@tautline/core";
import type { Exposed } from "./exposed.ts";
import { createExposed, type ExposedProcedure } from "./exposed-calls.ts";
import { type ContractHandler, ContractProcedures, createProcedure } from "./exposed-contract.ts";
import type { ExposeOptions } from "./options.ts";

export type { Exposed } from "./exposed.ts";
export type { ExposedErrorReport, ExposeOptions } from "./options.ts";

/** What an exposed procedure's handler is called with. */
export interface ExposedHandlerOptions<Input> {
  /** What the schema made of what the server sent. */
  readonly input: Input;
  /** Fires when the server gives the call up, its time is over, or its session is lost. */
  readonly signal: AbortSignal;
}

/** What answers an exposed procedure: a value, or of a subscription an async iterable such as a generator makes; or a promise. */
export type ExposedHandler<P extends ContractProcedure> = (
  options: ExposedHandlerOptions<HandlerInput<P>>,
) => Given<P> | Promise<Given<P>>;

type Given<P extends ContractProcedure> = P["type"] extends "subscription"
  ? AsyncIterable<P extends { readonly tracked: true } ? TrackedItem<HandlerOutput<P>> : HandlerOutput<P>>
  : HandlerOutput<P>;

/** A handler for each procedure of a contract, by the same names. */
export type ExposedHandlers<C extends Contract> = {
  readonly [Name in keyof C]: C[Name] extends ContractProcedure
    ? ExposedHandler<C[Name]>
    : C[Name] extends Contract
      ? ExposedHandlers<C[Name]>
      : never;
};

/**
 * Procedures of a contract for the server to call: `createClient({ …, expose: expose(clientApi, { confirm: … }) })`.
 *
 * Input is checked before a handler runs. What it gives is checked too, and sent as it is: the server checks it again, and has what
 * its schema makes of it. A thrown TautlineError with a code of tRPC's goes to the server with code and message, anything else as an
 * `INTERNAL_SERVER_ERROR` without.
 *
 * @throws {ContractError} where a handler is missing, or belongs to nothing in the contract.
 */
export function expose<C extends Contract>(
  contract: C,
  handlers: ExposedHandlers<C>,
  options: ExposeOptions = {},
): Exposed {
  const procedures = new Map<string, ExposedProcedure>();
  collect(contract, handlers, "", procedures);
  return createExposed(new ContractProcedures(procedures), options);
}

function collect(contract: Contract, handlers: unknown, prefix: string, found: Map<string, ExposedProcedure>): void {
  const given: Readonly<Record<string, unknown>> = { ...(Object(handlers) as object) };
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(contract, name)) throw new ContractError(prefix + name, "is not in the contract");
  }
  for (const [name, child] of Object.entries(contract)) {
    const handler = Object.hasOwn(given, name) ? given[name] : undefined;
    if (!isProcedure(child)) collect(child, handler, `${prefix}${name}.`, found);
    else if (typeof handler === "function")
      found.set(prefix + name, createProcedure(child, handler as ContractHandler));
    else throw new ContractError(prefix + name, "has no handler");
  }
}
