// oxlint-disable unicorn/no-thenable -- thenables are part of what is tried
import { TRPCError } from "@trpc/server";

class NamedError extends Error {
  override readonly name = "NamedError";
  readonly extra = { secret: 1 };
}

function circular(): object {
  const value: Record<string, unknown> = { message: "circular" };
  value["self"] = value;
  return value;
}

/** An object that throws when tRPC reads it. */
function hostile(): object {
  return {
    get message(): string {
      throw new Error("a getter that throws");
    },
    get other(): string {
      throw new Error("another getter that throws");
    },
  };
}

function hostileError(): Error {
  return Object.defineProperty(new Error("x"), "message", {
    get() {
      throw new RangeError("a message that throws");
    },
  });
}

/** What a handler or parser may throw. A new value each time, so that no call sees what another did to it. */
export const throwables: Readonly<Record<string, () => unknown>> = {
  forbidden: () => new TRPCError({ code: "FORBIDDEN", message: "not for you" }),
  conflictWithCause: () => new TRPCError({ code: "CONFLICT", cause: new NamedError("inner") }),
  error: () => new Error("plain"),
  namedError: () => new NamedError("named"),
  typeError: () => new TypeError("typed"),
  namedLikeTrpc: () => Object.assign(new Error("foreign"), { name: "TRPCError", code: "NOT_FOUND" }),
  frozenError: () => Object.freeze(new Error("frozen")),
  string: () => "a string",
  emptyString: () => "",
  number: () => 7,
  undefined: () => undefined,
  null: () => null,
  symbol: () => Symbol("thrown"),
  function: () => () => "never called",
  array: () => [1, 2],
  object: () => ({ reason: "object" }),
  objectWithMessage: () => ({ message: "from an object", code: "NOT_FOUND" }),
  thenable: () => ({ then: () => undefined }),
  circular,
  hostile,
  hostileError,
};
