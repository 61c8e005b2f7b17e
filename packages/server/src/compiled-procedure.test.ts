import { type AnyTRPCProcedure, initTRPC, TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { compileProcedure, type ProcedureCall } from "./compiled-procedure.ts";
import { readProcedureParts } from "./procedure-parts.ts";

const t = initTRPC.context<{ user: string }>().meta<{ role: string }>().create();

interface TestCall extends ProcedureCall {
  readonly signalReads: number;
}

function callWith(input: unknown): TestCall {
  const controller = new AbortController();
  let signalReads = 0;
  return {
    ctx: { user: "ada" },
    input,
    path: "some.path",
    batchIndex: 0,
    get signal() {
      signalReads += 1;
      return controller.signal;
    },
    get signalReads() {
      return signalReads;
    },
  };
}

function run(procedure: AnyTRPCProcedure, input?: unknown): unknown {
  return compileProcedure(procedure).call(callWith(input));
}

/** What is thrown or rejected, without waiting for what is not a promise. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a procedure without middleware", () => {
  // A function, as zod's schemas are asynchronous in the oldest tRPC.
  const parse = (value: unknown): string => z.string().parse(value);

  test("answers at once when parser and resolver are synchronous", () => {
    const procedure = t.procedure
      .input(parse)
      .output(parse)
      .query(({ input }) => `${input}!`);
    expect(run(procedure, "hello")).toBe("hello!");
  });

  test("throws at once when the input does not fit", () => {
    const error = thrownBy(() =>
      run(
        t.procedure.input(parse).query(() => 1),
        7,
      ),
    );
    expect(error).toBeInstanceOf(TRPCError);
    expect(error).toMatchObject({ code: "BAD_REQUEST", cause: { issues: [{ code: "invalid_type" }] } });
  });

  test("throws at once what a synchronous resolver throws, as a TRPCError", () => {
    const cause = new Error("plain");
    const procedure = t.procedure.query(() => {
      throw cause;
    });
    expect(thrownBy(() => run(procedure))).toMatchObject({ code: "INTERNAL_SERVER_ERROR", message: "plain", cause });
  });

  test("rejects with the very TRPCError that an asynchronous resolver throws", async () => {
    const error = new TRPCError({ code: "FORBIDDEN" });
    const procedure = t.procedure.query(async () => {
      throw error;
    });
    await expect(run(procedure)).rejects.toBe(error);
  });

  test("never reads the signal on its own", async () => {
    const call = callWith("x");
    const echo = t.procedure.input(parse).query((options) => options.input);
    expect(await compileProcedure(echo).call(call)).toBe("x");
    expect(call.signalReads).toBe(0);
  });

  test.each<[string, AnyTRPCProcedure]>([
    ["destructured", t.procedure.query(({ signal }) => signal)],
    ["destructured under another name", t.procedure.query(({ ctx: _ctx, signal: s }) => s)],
    ["from the options", t.procedure.query((options) => options.signal)],
    ["from a copy of the options", t.procedure.query((options) => ({ ...options }).signal)],
    ["from the rest", t.procedure.query(({ ctx: _ctx, ...rest }) => rest.signal)],
    ["with a default", t.procedure.query(({ signal = AbortSignal.abort() }) => signal)],
  ])("gives the call's signal, %s", async (_how, procedure) => {
    const call = callWith(undefined);
    expect(await compileProcedure(procedure).call(call)).toBe(call.signal);
  });
});

describe("a procedure with middleware", () => {
  test("adds to the context and shows meta", async () => {
    const seen: unknown[] = [];
    const procedure = t.procedure
      .meta({ role: "admin" })
      .use(({ ctx, meta, next }) => {
        seen.push(meta);
        return next({ ctx: { greeting: `hello ${ctx.user}` } });
      })
      .query(({ ctx }) => ctx);
    expect(await run(procedure)).toEqual({ user: "ada", greeting: "hello ada" });
    expect(seen).toEqual([{ role: "admin" }]);
  });

  test("reads an overridden raw input once for each schema, as tRPC does", async () => {
    let reads = 0;
    const getRawInput = async (): Promise<unknown> => {
      reads += 1;
      return { a: 1, b: 2 };
    };
    const procedure = t.procedure
      .use(({ next }) => next({ getRawInput }))
      .input(z.object({ a: z.number() }))
      .input(z.object({ b: z.number() }))
      .query(({ input }) => input);
    expect(await run(procedure, "ignored")).toEqual({ a: 1, b: 2 });
    expect(reads).toBe(2);
  });

  test("says what is wrong when a middleware returns nothing", async () => {
    const procedure = t.procedure.use((async () => undefined) as never).query(() => 1);
    await expect(run(procedure)).rejects.toThrow("No result from middlewares - did you forget to `return next()`?");
  });

  test("may turn a failure into a result", async () => {
    const procedure = t.procedure
      .use(async ({ next }) => {
        const result = await next();
        return result.ok ? result : { ...result, ok: true as const, data: "recovered" };
      })
      .query((): string => {
        throw new Error("plain");
      });
    expect(await run(procedure)).toBe("recovered");
  });
});

describe("a procedure that is not built as tRPC builds them", () => {
  const plain = t.procedure.query(() => "inner");

  test("that is wrapped is called through its wrapper", async () => {
    const wrapper = Object.assign(async (...args: Parameters<typeof plain>) => [await plain(...args)], plain);
    const proxy = new Proxy(plain, {
      apply: async (target, _this, args: Parameters<typeof plain>) => [await target(...args)],
    });
    expect(await run(wrapper as never)).toEqual(["inner"]);
    expect(await run(proxy)).toEqual(["inner"]);
  });

  test("that has a caller of its own is called by that", async () => {
    const procedure = t.procedure
      .experimental_caller(async ({ args, invoke }) => [await invoke(args[0] as never)])
      .query(() => "inner");
    expect(await run(procedure as never)).toEqual(["inner"]);
  });

  test.each<[string, (definition: { inputs: unknown[]; middlewares: unknown[]; resolver: unknown }) => void]>([
    ["a parser without a middleware", ({ inputs }) => inputs.push(z.string())],
    ["a middleware without a parser", ({ inputs }) => inputs.pop()],
    ["no middlewares", ({ middlewares }) => middlewares.splice(0)],
    ["something after the resolver", ({ middlewares }) => middlewares.push(() => 1)],
    ["no resolver", (definition) => (definition.resolver = undefined)],
    ["what is no middleware", ({ middlewares }) => middlewares.unshift(7)],
  ])("that has %s is not taken apart", (_what, change) => {
    const procedure = t.procedure.input(z.string()).query(() => 1);
    expect(readProcedureParts(procedure)).toBeDefined();
    change(procedure._def as never);
    expect(readProcedureParts(procedure)).toBeUndefined();
  });
});
