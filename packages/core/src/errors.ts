const trpcErrorCodes = [
  "PARSE_ERROR",
  "BAD_REQUEST",
  "INTERNAL_SERVER_ERROR",
  "NOT_IMPLEMENTED",
  "BAD_GATEWAY",
  "SERVICE_UNAVAILABLE",
  "GATEWAY_TIMEOUT",
  "UNAUTHORIZED",
  "PAYMENT_REQUIRED",
  "FORBIDDEN",
  "NOT_FOUND",
  "METHOD_NOT_SUPPORTED",
  "TIMEOUT",
  "CONFLICT",
  "PRECONDITION_FAILED",
  "PAYLOAD_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
  "UNPROCESSABLE_CONTENT",
  "PRECONDITION_REQUIRED",
  "TOO_MANY_REQUESTS",
  "CLIENT_CLOSED_REQUEST",
] as const;

/** A code of tRPC's (https://trpc.io/docs/server/error-handling#error-codes). */
export type TrpcErrorCode = (typeof trpcErrorCodes)[number];

/** Whether a string is one of the codes that this version knows. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return isTrpcErrorCode(code) || ownCodes.some((known) => known === code);
}

export function isTrpcErrorCode(code: unknown): code is TrpcErrorCode {
  return trpcErrorCodes.some((known) => known === code);
}

const ownCodes = ["CONNECTION_CLOSED", "OUTCOME_UNKNOWN", "SESSION_LOST", "BAD_MESSAGE"] as const;

/**
 * Every code a {@link TautlineError} can have: tRPC's, and four of this product.
 *
 * - `CONNECTION_CLOSED`: the client was closed, or the connection ended in a way that is not retried.
 * - `OUTCOME_UNKNOWN`: a mutation was sent and its answer was lost; it may or may not have run.
 * - `SESSION_LOST`: what the call needs of the server (an upload, say) went with the session.
 * - `BAD_MESSAGE`: the other side broke the protocol.
 */
export type ErrorCode = TrpcErrorCode | (typeof ownCodes)[number];

/** What a {@link TautlineError} is made from. */
export interface TautlineErrorOptions {
  readonly code: ErrorCode;
  /** Defaults to the code. */
  readonly message?: string | undefined;
  /** Stays on this side: it is never sent. */
  readonly cause?: unknown;
  /** The error as the server shaped it, where it came from a server. */
  readonly shape?: unknown;
}

/** An error's shape on the wire, as tRPC's default formatter makes it. Other formatters may add to it. */
export interface ErrorShape {
  readonly message: string;
  readonly code: number;
  readonly data: { readonly code: string; readonly httpStatus?: number; readonly path?: string };
}

/** The one error class: what calls reject with, what a handler's `signal.reason` is, what ends a connection. */
export class TautlineError extends Error {
  override readonly name = "TautlineError";
  readonly code: ErrorCode;
  /** The error as the server shaped it (`errorFormatter` included); undefined where it did not come from a server. */
  readonly shape: unknown;
  /** The shape's `data`, with tRPC's code and whatever the server's `errorFormatter` put there. */
  readonly data: unknown;

  constructor({ code, message = code, cause, shape }: TautlineErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.shape = shape;
    this.data = (Object(shape) as { data?: unknown }).data;
  }

  /**
   * Any thrown thing as a `TautlineError`; one that is none becomes the `cause` of one.
   *
   * @param code default `INTERNAL_SERVER_ERROR`.
   * @param message default that of what was thrown.
   */
  static from(
    thrown: unknown,
    code: ErrorCode = "INTERNAL_SERVER_ERROR",
    message: string | undefined = messageOf(thrown),
  ): TautlineError {
    return thrown instanceof TautlineError ? thrown : new TautlineError({ code, message, cause: thrown });
  }

  /** The error that a shape from the wire stands for. A shape that is none gives an `INTERNAL_SERVER_ERROR`. */
  static fromShape(shape: unknown): TautlineError {
    const { message, data } = Object(shape) as { message?: unknown; data?: unknown };
    // By name, as tRPC's shapes have it. A newer end may have codes that this list has not: they are passed on.
    const { code } = Object(data) as { code?: ErrorCode };
    return new TautlineError({
      code: typeof code === "string" ? code : "INTERNAL_SERVER_ERROR",
      message: typeof message === "string" ? message : undefined,
      shape,
    });
  }
}

/** A hostile value's message may be anything, or throw. */
function messageOf(thrown: unknown): string | undefined {
  try {
    return thrown instanceof Error ? String(thrown.message) : undefined;
  } catch {
    return undefined;
  }
}
