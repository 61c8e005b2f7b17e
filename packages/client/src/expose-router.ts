import { isTrpcErrorCode, TautlineError } from "@tautline/core";
import type { IncomingCall } from "@tautline/core/internals";
import {
  type AnyTRPCProcedure,
  type AnyTRPCRouter,
  type CreateContextCallback,
  getErrorShape,
  getTRPCErrorFromUnknown,
  type inferRouterContext,
  isTrackedEnvelope,
  TRPCError,
} from "@trpc/server";
import { isObservable, observableToAsyncIterable } from "@trpc/server/observable";
import type { Exposed } from "./exposed.ts";
import { createExposed, type ExposedCall, type ExposedProcedure, type ExposedProcedures } from "./exposed-calls.ts";
import type { ExposeOptions } from "./options.ts";

export type { Exposed } from "./exposed.ts";
export type { ExposedErrorReport, ExposeOptions } from "./options.ts";

/** `createContext` makes the context of a call; needed exactly where the router has one. */
export type ExposeRouterOptions<Router extends AnyTRPCRouter> = ExposeOptions &
  CreateContextCallback<
    inferRouterContext<Router>,
    () => inferRouterContext<Router> | Promise<inferRouterContext<Router>>
  >;

/** Options that may be left out where nothing in them is needed. */
type Rest<Options> = object extends Options ? [options?: Options] : [options: Options];

/**
 * The procedures of a tRPC router for the server to call: `createClient({ …, expose: exposeRouter(clientRouter) })`. The router is to
 * have the transformer that the server's has. Its `errorFormatter` is asked, without a context; of errors that no procedure threw
 * deliberately the server is not told the message.
 */
export function exposeRouter<Router extends AnyTRPCRouter>(
  router: Router,
  ...[options]: Rest<ExposeRouterOptions<Router>>
): Exposed {
  const { createContext, ...rest }: ExposeOptions & { createContext?: () => unknown } = options ?? {};
  return createExposed(new RouterProcedures(router, createContext), rest);
}

class RouterProcedures implements ExposedProcedures {
  readonly #definition: AnyTRPCRouter["_def"];
  readonly #createContext: (() => unknown) | undefined;

  constructor(router: AnyTRPCRouter, createContext: (() => unknown) | undefined) {
    this.#definition = router._def;
    this.#createContext = createContext;
  }

  /** A lazy router that may have the path is loaded first; tRPC then takes it off its table, and it may hold further ones. */
  async find(path: string): Promise<ExposedProcedure | undefined> {
    const { lazy } = this.#definition;
    const procedures = this.#definition.procedures as Record<string, AnyTRPCProcedure>;
    while (!Object.hasOwn(procedures, path)) {
      const key = Object.keys(lazy).find((name) => path === name || path.startsWith(`${name}.`));
      if (key === undefined) return undefined;
      await lazy[key]?.load();
    }
    const procedure = procedures[path];
    return procedure && this.#expose(procedure, path);
  }

  describe(thrown: unknown, { type, path, input }: IncomingCall): { error: TautlineError; shape: unknown } {
    const error = asTRPCError(thrown);
    const shape: unknown = getErrorShape({
      config: this.#definition._config,
      error,
      type,
      path,
      input,
      ctx: undefined,
    });
    const { code, message, cause } = error;
    return {
      error: new TautlineError({ code, message, cause }),
      shape: withoutSecrets(Object(shape) as object, error),
    };
  }

  #expose(procedure: AnyTRPCProcedure, path: string): ExposedProcedure {
    const { type } = procedure._def;
    return {
      type,
      run: async ({ input, signal }: ExposedCall) => {
        const ctx: unknown = await this.#createContext?.();
        const getRawInput = (): Promise<unknown> => Promise.resolve(input);
        const result: unknown = await procedure({ ctx, getRawInput, path, type, signal, batchIndex: 0 });
        return isObservable(result) ? observableToAsyncIterable(result, signal) : result;
      },
      readItem: (item) => (isTrackedEnvelope(item) ? { value: item[1], id: item[0] } : { value: item }),
    };
  }
}

/** A TautlineError with a code of tRPC's is as deliberate as a TRPCError, also where tRPC has wrapped it. */
function asTRPCError(thrown: unknown): TRPCError {
  const error = getTRPCErrorFromUnknown(thrown);
  const { cause } = error;
  if (!(cause instanceof TautlineError) || !isTrpcErrorCode(cause.code) || !isWrapper(error)) return error;
  return new TRPCError({ code: cause.code, message: cause.message, cause });
}

/** Whether tRPC made it of what was thrown: it then has that as its cause, and no message of its own. */
function isWrapper({ code, cause, message }: TRPCError): boolean {
  return code === "INTERNAL_SERVER_ERROR" && cause !== undefined && message === cause.message;
}

/** Without the stack, and without the message of an error that only wraps what was thrown. */
function withoutSecrets(shape: { message?: unknown; data?: unknown }, error: TRPCError): object {
  const { stack: _stack, ...data } = Object(shape.data) as { stack?: unknown };
  const isSecret = isWrapper(error) && shape.message === error.message;
  return { ...shape, data, ...(isSecret && { message: "Internal server error" }) };
}
