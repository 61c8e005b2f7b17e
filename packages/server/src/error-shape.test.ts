import { type AnyTRPCRouter, initTRPC, TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { throwables } from "../testing/random-throws.ts";
import { type ErrorDetail, type ErrorShapeResult, errorShape } from "./error-shape.ts";
import { toTRPCError } from "./trpc-error.ts";

const devRouter = initTRPC.create({ isDev: true }).router({});

function shapeOf(thrown: unknown, router: AnyTRPCRouter = devRouter, detail?: ErrorDetail): ErrorShapeResult {
  return errorShape({
    config: router._def._config,
    error: toTRPCError(thrown),
    type: "query",
    path: "some.path",
    input: undefined,
    ctx: {},
    ...(detail && { detail }),
  });
}

function routerWith(errorFormatter: (options: { shape: object; error: TRPCError }) => unknown): AnyTRPCRouter {
  return initTRPC.create({ isDev: true, errorFormatter: errorFormatter as never }).router({});
}

function parseError(schema: z.ZodType, value: unknown): TRPCError {
  return new TRPCError({ code: "BAD_REQUEST", cause: schema.safeParse(value).error });
}

function messageOf({ shape }: ErrorShapeResult): string {
  return "message" in shape ? String(shape.message) : "";
}

const generic = {
  message: "Internal server error",
  code: -32603,
  data: { code: "INTERNAL_SERVER_ERROR", httpStatus: 500 },
};

describe("by default", () => {
  test("a deliberate error keeps its code and message, and loses its stack", () => {
    expect(shapeOf(new TRPCError({ code: "FORBIDDEN", message: "not for you" }))).toEqual({
      shape: { message: "not for you", code: -32003, data: { code: "FORBIDDEN", httpStatus: 403, path: "some.path" } },
    });
  });

  test.each([
    ["an Error", new Error("secret")],
    ["a string", "secret"],
    ["an object with a message", { message: "secret" }],
    [
      "a deliberate error without a message of its own",
      new TRPCError({ code: "INTERNAL_SERVER_ERROR", cause: new Error("secret") }),
    ],
    ["an error that is only named TRPCError", Object.assign(new Error("secret"), { name: "TRPCError" })],
    [
      "an error named TRPCError with a code of another kind",
      Object.assign(new Error("secret"), { name: "TRPCError", code: "toString" }),
    ],
  ])("%s says nothing of its cause", (_what, thrown) => {
    expect(shapeOf(thrown)).toEqual({ shape: { ...generic, data: { ...generic.data, path: "some.path" } } });
  });

  test.each(Object.entries(throwables))("gives a shape, without a stack, of what was thrown: %s", (_name, make) => {
    const { shape } = shapeOf(make());
    expect(shape).toHaveProperty("data.httpStatus");
    expect(JSON.stringify(shape)).not.toMatch(/secret|stack|getter/);
  });

  test("a failed output says so, and not what failed", () => {
    const error = new TRPCError({
      code: "INTERNAL_SERVER_ERROR",
      message: "Output validation failed",
      cause: new Error("secret"),
    });
    expect(shapeOf(error).shape).toMatchObject({ message: "Output validation failed" });
  });
});

test("with full detail, message and stack are told", () => {
  const { shape } = shapeOf(new Error("what happened"), devRouter, "full");
  expect(shape).toMatchObject({ message: "what happened", data: { code: "INTERNAL_SERVER_ERROR" } });
  expect(shape).toHaveProperty("data.stack");
});

describe("an errorFormatter", () => {
  test("makes the shape, from which the stack and an unexpected error's message are then taken", () => {
    const shared = Object.freeze({ code: 1, data: Object.freeze({ stack: "at secret", mine: true }) });
    const router = routerWith(({ error }) => ({ ...shared, message: error.message }));
    expect(shapeOf(new Error("secret"), router).shape).toEqual({
      message: generic.message,
      code: 1,
      data: { mine: true },
    });
    expect(shared.data).toEqual({ stack: "at secret", mine: true });
  });

  test("may give an unexpected error a message of its own", () => {
    const router = routerWith(({ shape }) => ({ ...shape, message: "We are sorry" }));
    expect(shapeOf(new Error("secret"), router).shape).toMatchObject({ message: "We are sorry" });
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("in the formatter");
      },
    ],
    [
      "throws something hostile",
      () => {
        throw throwables["hostile"]?.();
      },
    ],
    ["returns nothing", () => undefined],
    [
      "returns an object whose getter throws",
      () => ({
        get data() {
          throw new Error("in a getter");
        },
      }),
    ],
  ])("that %s leads to the generic shape and is told of", (_what, format) => {
    const { shape, formatterError } = shapeOf(new TRPCError({ code: "FORBIDDEN" }), routerWith(format));
    expect(shape).toEqual(generic);
    expect(formatterError).toBeInstanceOf(TRPCError);
  });
});

describe("the message of an input error", () => {
  test("is tRPC's when it is short", () => {
    const error = parseError(z.object({ a: z.string() }), { a: 1 });
    expect(messageOf(shapeOf(error))).toBe(error.message);
  });

  test("is cut to the first 20 issues and stays the JSON of issues", () => {
    const message = messageOf(
      shapeOf(
        parseError(
          z.array(z.string()),
          Array.from({ length: 10_000 }, () => 1),
        ),
      ),
    );
    const issues: unknown = JSON.parse(message);
    expect(issues).toHaveLength(21);
    expect(issues).toMatchObject({ 0: { path: [0] }, 19: { path: [19] }, 20: { message: "and 9980 more issues" } });
    expect(message.length).toBeLessThan(9_000);
  });

  test("is cut when one issue alone is too long", () => {
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, 1]));
    const message = messageOf(shapeOf(parseError(z.strictObject({}), keys)));
    expect(message.length).toBeLessThan(2_000);
    expect(JSON.parse(message)).toMatchObject([{ code: "unrecognized_keys" }]);
  });

  test("is cut when there are few but long issues", () => {
    const schema = z.array(z.string({ error: "long ".repeat(400) }));
    const issues: unknown = JSON.parse(messageOf(shapeOf(parseError(schema, [1, 2, 3, 4, 5, 6, 7, 8]))));
    expect(issues).toMatchObject({ 3: { message: "and 5 more issues" } });
  });

  test("is cut when it is not made of issues", () => {
    const error = new TRPCError({ code: "BAD_REQUEST", message: "x".repeat(10_000) });
    expect(messageOf(shapeOf(error))).toBe(`${"x".repeat(8_000)}… and 2000 more characters`);
  });

  test("is cut when a bound is a bigint", () => {
    const schema = z.array(z.bigint().min(10n));
    const message = messageOf(
      shapeOf(
        parseError(
          schema,
          Array.from({ length: 30 }, () => 1n),
        ),
      ),
    );
    expect(JSON.parse(message)).toHaveLength(21);
  });

  test("that the formatter made is left alone", () => {
    const router = routerWith(({ shape }) => ({ ...shape, message: "Bad input" }));
    expect(messageOf(shapeOf(parseError(z.string(), 1), router))).toBe("Bad input");
  });
});
