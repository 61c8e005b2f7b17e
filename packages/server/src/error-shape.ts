// `getErrorShape` is the name that every tRPC 11 exports; `getTRPCErrorShape` came later.
import { type AnyTRPCRouter, getErrorShape, TRPCError, type TRPCProcedureType } from "@trpc/server";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import { shortenIssues } from "./issue-list.ts";
import { toTRPCError } from "./trpc-error.ts";

/**
 * How much of an error goes to the client. `deliberate`: code and message of a `TRPCError` that was thrown on purpose,
 * of any other error only that there was one. `full`: message and stack of every error, for development.
 */
export type ErrorDetail = "deliberate" | "full";

export interface ErrorShapeOptions {
  /** The router's `_def._config`: its `errorFormatter` and `isDev` apply. */
  readonly config: AnyTRPCRouter["_def"]["_config"];
  readonly error: TRPCError;
  readonly type: TRPCProcedureType | "unknown";
  readonly path: string | undefined;
  readonly input: unknown;
  readonly ctx: unknown;
  /** Default `deliberate`. */
  readonly detail?: ErrorDetail;
}

export interface ErrorShapeResult {
  /** What the client gets, as yet not encoded. tRPC's `{ message, code, data }`, or what an `errorFormatter` made of it. */
  readonly shape: object;
  /** What the `errorFormatter` threw, to be reported; the shape is then the generic one. */
  readonly formatterError?: TRPCError;
}

const genericMessage = "Internal server error";

/** Makes the shape of an error for the client. Never throws, whatever the error or the formatter does. */
export function errorShape(options: ErrorShapeOptions): ErrorShapeResult {
  try {
    return { shape: shapeOf(options) };
  } catch (thrown) {
    return { shape: genericShape(), formatterError: toTRPCError(thrown) };
  }
}

function shapeOf({ detail = "deliberate", ...options }: ErrorShapeOptions): object {
  const error = withKnownCode(options.error);
  const formatted: unknown = getErrorShape({ ...options, error });
  if (typeof formatted !== "object" || formatted === null) throw new TypeError("The errorFormatter returned no object");
  const shape = shortened(formatted, error);
  return detail === "full" ? shape : withoutCause(withoutStack(shape), error);
}

function shortened(shape: object, error: TRPCError): object {
  if (error.code !== "BAD_REQUEST" || !("message" in shape) || shape.message !== error.message) return shape;
  const { cause } = error;
  const issues = cause !== undefined && "issues" in cause ? cause.issues : undefined;
  return { ...shape, message: shortenIssues(error.message, issues) };
}

function withoutStack(shape: object): object {
  if (!("data" in shape) || typeof shape.data !== "object" || shape.data === null || !("stack" in shape.data)) {
    return shape;
  }
  const { stack: _stack, ...data } = shape.data;
  return { ...shape, data };
}

function withoutCause(shape: object, error: TRPCError): object {
  if (!isUnexpected(error) || !("message" in shape) || shape.message !== error.message) return shape;
  return { ...shape, message: genericMessage };
}

/**
 * Whether tRPC made the error from something else that was thrown: it then has that thing as its cause, and no message
 * of its own. A deliberate `INTERNAL_SERVER_ERROR` with a cause and no message looks the same, and is treated so.
 */
function isUnexpected({ code, cause, message }: TRPCError): boolean {
  if (code !== "INTERNAL_SERVER_ERROR" || cause === undefined) return false;
  // What is thrown may have a message that is no text, which tRPC has made one of.
  return message === cause.message || typeof cause.message !== "string";
}

/** tRPC lets any error pass that is named `TRPCError`; one without a code of tRPC's is not deliberate. */
export function withKnownCode(error: TRPCError): TRPCError {
  return Object.hasOwn(TRPC_ERROR_CODES_BY_KEY, error.code)
    ? error
    : new TRPCError({ code: "INTERNAL_SERVER_ERROR", cause: error });
}

function genericShape(): object {
  return {
    message: genericMessage,
    code: TRPC_ERROR_CODES_BY_KEY.INTERNAL_SERVER_ERROR,
    data: { code: "INTERNAL_SERVER_ERROR", httpStatus: 500 },
  };
}
