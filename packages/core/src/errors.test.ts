import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";

describe("TautlineError", () => {
  test("has a code, and the code for a message where it is given none", () => {
    const error = new TautlineError({ code: "TIMEOUT" });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "TautlineError", code: "TIMEOUT", message: "TIMEOUT", data: undefined });
    expect("cause" in error).toBe(false);
  });

  test("keeps its cause and its shape, and reads the data out of the shape", () => {
    const cause = new Error("below");
    const shape = { message: "m", data: { code: "CONFLICT", field: "name" } };
    const error = new TautlineError({ code: "CONFLICT", message: "m", cause, shape });
    expect(error.cause).toBe(cause);
    expect(error.shape).toBe(shape);
    expect(error.data).toEqual({ code: "CONFLICT", field: "name" });
  });

  test("has no data where the shape is no object", () => {
    for (const shape of [null, "text", 1, undefined]) {
      expect(new TautlineError({ code: "CONFLICT", shape }).data).toBeUndefined();
    }
  });
});

describe("TautlineError.from", () => {
  test("gives a TautlineError back as it is", () => {
    const error = new TautlineError({ code: "CONFLICT" });
    expect(TautlineError.from(error)).toBe(error);
  });

  test("makes anything else the cause of an INTERNAL_SERVER_ERROR", () => {
    const thrown = new TypeError("oops");
    expect(TautlineError.from(thrown)).toMatchObject({ code: "INTERNAL_SERVER_ERROR", message: "oops", cause: thrown });
    for (const other of ["text", 1, null, {}, Symbol("s")]) {
      expect(TautlineError.from(other)).toMatchObject({
        code: "INTERNAL_SERVER_ERROR",
        message: "INTERNAL_SERVER_ERROR",
      });
      expect(TautlineError.from(other).cause).toBe(other);
    }
  });
});

describe("TautlineError.fromShape", () => {
  test("reads code, message and data out of tRPC's shape", () => {
    const shape = { message: "taken", code: -32009, data: { code: "CONFLICT", httpStatus: 409, path: "a.b" } };
    expect(TautlineError.fromShape(shape)).toMatchObject({
      code: "CONFLICT",
      message: "taken",
      data: shape.data,
      shape,
    });
  });

  test("keeps a code that this version does not know", () => {
    expect(TautlineError.fromShape({ message: "m", data: { code: "NEW_CODE" } }).code).toBe("NEW_CODE");
  });

  test("takes whatever comes, and then says INTERNAL_SERVER_ERROR", () => {
    const shapes = [
      null,
      undefined,
      1,
      "text",
      [],
      {},
      { data: null },
      { data: { code: 5 } },
      { code: -32004, message: 5 },
    ];
    for (const shape of shapes) {
      const error = TautlineError.fromShape(shape);
      expect(error).toMatchObject({ code: "INTERNAL_SERVER_ERROR", message: "INTERNAL_SERVER_ERROR" });
      expect(error.shape).toBe(shape);
    }
  });
});
