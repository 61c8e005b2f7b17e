import { createProcedureProxy, type KnownProcedures, type TransformerOption } from "@tautline/core/internals";
import { createCaller } from "./caller.ts";
import type { CreateClient } from "./client-types.ts";
import type { ConnectionOptions } from "./options.ts";

interface ClientOptions extends ConnectionOptions, KnownProcedures {
  readonly transformer?: TransformerOption;
}

/**
 * Makes a client: of a contract (`createClient({ contract, url })`), or of a tRPC router by its type alone
 * (`createClient<AppRouter>({ url })`). It connects with the first call. Calls reject with a TautlineError.
 */
// A boundary of inference: the proxy has no type of its own, what it is only the types of `CreateClient` know.
export const createClient: CreateClient = createUntypedClient as never;

export function createUntypedClient(options: ClientOptions): unknown {
  const caller = createCaller(options, options.transformer);
  return createProcedureProxy(caller, options, new Map([["connection", caller.connection]]));
}
