import { isTrpcErrorCode, TautlineError } from "@tautline/core";
import type { IncomingCall } from "@tautline/core/internals";
import { TRPCError, type TRPCProcedureType } from "@trpc/server";
import { withKnownCode } from "./error-shape.ts";
import { toTRPCError } from "./trpc-error.ts";

/** What a caller is told of an error of which it may know nothing. */
export const genericShape = {
  message: "Internal server error",
  code: -32603,
  data: { code: "INTERNAL_SERVER_ERROR", httpStatus: 500 },
};

/**
 * A TautlineError with a code of tRPC's is as deliberate as a TRPCError, also where tRPC has wrapped it. Never throws, whatever was
 * thrown, and gives no code that tRPC does not have.
 */
export function asTRPCError(thrown: unknown): TRPCError {
  try {
    const error = withKnownCode(toTRPCError(thrown));
    const cause = wrappedError(error);
    if (cause === undefined || !isTrpcErrorCode(cause.code)) return error;
    return new TRPCError({ code: cause.code, message: cause.message, cause });
  } catch {
    return new TRPCError({ code: "INTERNAL_SERVER_ERROR" });
  }
}

/** tRPC has no code for an outcome that nobody knows: its formatter cannot be asked. Undefined where the error says anything else. */
export function outcomeUnknownShape(error: TRPCError, path: string | undefined): object | undefined {
  const cause = wrappedError(error);
  if (cause?.code !== "OUTCOME_UNKNOWN") return undefined;
  const data = { code: cause.code, httpStatus: 500, ...(path !== undefined && { path }) };
  return { message: cause.message, code: genericShape.code, data };
}

/** What tRPC has wrapped. The cause of an error of somebody's own is nobody's business but `onError`'s. */
function wrappedError({ code, message, cause }: TRPCError): TautlineError | undefined {
  const isWrapper = code === "INTERNAL_SERVER_ERROR" && cause instanceof TautlineError && message === cause.message;
  return isWrapper ? cause : undefined;
}

/** What a handler gave cannot be written: the server's fault, not the caller's. */
export function unsendable(thrown: unknown): unknown {
  if (!(thrown instanceof TautlineError) || thrown.code !== "BAD_REQUEST") return thrown;
  return new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: thrown.message, cause: thrown.cause });
}

export function notFound({ type, path }: IncomingCall): TRPCError {
  return new TRPCError({ code: "NOT_FOUND", message: `No "${type}"-procedure on path "${path.slice(0, 200)}"` });
}

export function wrongType({ type, path }: IncomingCall, actual: TRPCProcedureType): TRPCError {
  return new TRPCError({ code: "BAD_REQUEST", message: `"${path}" is a ${actual}, not a ${type}` });
}

export function notAnItemSource({ type }: IncomingCall): TRPCError {
  const message = `Cannot return an async iterable or observable from a ${type} procedure with WebSockets`;
  return new TRPCError({ code: "UNSUPPORTED_MEDIA_TYPE", message });
}

export function noItemSource({ path }: IncomingCall): TRPCError {
  const message = `Subscription ${path} did not return an observable or a AsyncGenerator`;
  return new TRPCError({ code: "INTERNAL_SERVER_ERROR", message });
}
