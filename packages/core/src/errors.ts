/**
 * tRPC's error codes with their JSON-RPC numbers, as tRPC 11 sends them in `shape.code`
 * (https://trpc.io/docs/server/error-handling#error-codes).
 */
export const trpcErrorCodes = {
  PARSE_ERROR: -32700,
  BAD_REQUEST: -32600,
  INTERNAL_SERVER_ERROR: -32603,
  NOT_IMPLEMENTED: -32603,
  BAD_GATEWAY: -32603,
  SERVICE_UNAVAILABLE: -32603,
  GATEWAY_TIMEOUT: -32603,
  UNAUTHORIZED: -32001,
  PAYMENT_REQUIRED: -32002,
  FORBIDDEN: -32003,
  NOT_FOUND: -32004,
  METHOD_NOT_SUPPORTED: -32005,
  TIMEOUT: -32008,
  CONFLICT: -32009,
  PRECONDITION_FAILED: -32012,
  PAYLOAD_TOO_LARGE: -32013,
  UNSUPPORTED_MEDIA_TYPE: -32015,
  UNPROCESSABLE_CONTENT: -32022,
  PRECONDITION_REQUIRED: -32028,
  TOO_MANY_REQUESTS: -32029,
  CLIENT_CLOSED_REQUEST: -32099,
} as const;

/** A code of tRPC's. */
export type TrpcErrorCode = keyof typeof trpcErrorCodes;

/**
 * Every code a {@link TautlineError} can have: tRPC's, and four of this product.
 *
 * - `CONNECTION_CLOSED`: the client was closed, or the connection ended in a way that is not retried.
 * - `OUTCOME_UNKNOWN`: a mutation was sent and its answer was lost; it may or may not have run.
 * - `SESSION_LOST`: what the call needs of the server (an upload, say) went with the session.
 * - `BAD_MESSAGE`: the other side broke the protocol.
 */
export type ErrorCode = TrpcErrorCode | "CONNECTION_CLOSED" | "OUTCOME_UNKNOWN" | "SESSION_LOST" | "BAD_MESSAGE";

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
    this.data = isRecord(shape) ? shape["data"] : undefined;
  }

  /** Any thrown thing as a `TautlineError`; one that is none becomes the `cause` of an `INTERNAL_SERVER_ERROR`. */
  static from(thrown: unknown): TautlineError {
    if (thrown instanceof TautlineError) return thrown;
    const message = thrown instanceof Error ? thrown.message : undefined;
    return new TautlineError({ code: "INTERNAL_SERVER_ERROR", message, cause: thrown });
  }

  /** The error that a shape from the wire stands for. A shape that is none gives an `INTERNAL_SERVER_ERROR`. */
  static fromShape(shape: unknown): TautlineError {
    const message = isRecord(shape) && typeof shape["message"] === "string" ? shape["message"] : undefined;
    return new TautlineError({ code: codeOf(shape), message, shape });
  }
}

const ownCodes: ReadonlySet<string> = new Set(["CONNECTION_CLOSED", "OUTCOME_UNKNOWN", "SESSION_LOST", "BAD_MESSAGE"]);

/** Whether a string is one of the codes above. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && (Object.hasOwn(trpcErrorCodes, code) || ownCodes.has(code));
}

/** A shape's code: by name where `data.code` is kept, by tRPC's number where a formatter dropped it. */
function codeOf(shape: unknown): ErrorCode {
  if (!isRecord(shape)) return "INTERNAL_SERVER_ERROR";
  const data = shape["data"];
  if (isRecord(data) && isErrorCode(data["code"])) return data["code"];
  for (const [name, number] of Object.entries(trpcErrorCodes)) {
    if (number === shape["code"] && isErrorCode(name)) return name;
  }
  return "INTERNAL_SERVER_ERROR";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
