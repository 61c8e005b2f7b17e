import { type Contract, ContractError, contract, mutation, query, rich, subscription } from "@tautline/core";
import { initTRPC, TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { implement } from "./implement.ts";

const Message = z.object({ text: z.string(), at: z.date() });

const api = contract({
  chat: {
    history: query({ input: z.object({ room: z.string() }), output: z.array(Message), meta: { audience: "all" } }),
    send: mutation({ input: z.string() }),
    messages: subscription({ output: Message }),
  },
  other: { history: query({ input: z.object({ room: z.string() }), output: z.array(Message) }) },
});

const t = initTRPC.context<{ user: string }>().meta<{ audience?: string; limit?: number }>().create({
  transformer: rich,
});

function build() {
  const { procedures, router } = implement(api, t);
  const record = {
    chat: {
      history: procedures.chat.history.query(({ input }) => [{ text: input.room, at: new Date(0) }]),
      send: procedures.chat.send.mutation(() => undefined),
      messages: procedures.chat.messages.subscription(async function* () {
        yield { text: "one", at: new Date(0) };
      }),
    },
    other: { history: procedures.other.history.query(() => []) },
  };
  return { procedures, router, record };
}

/** The error of handing a record that does not compile to a router. */
function problemOf(router: (record: never) => unknown, record: unknown): string {
  try {
    router(record as never);
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
  throw new Error("the record was not refused");
}

describe("procedures", () => {
  test("become a tRPC router that checks inputs and outputs", async () => {
    const { procedures, router, record } = build();
    const caller = router(record).createCaller({ user: "ada" });
    expect(await caller.chat.history({ room: "lobby" })).toEqual([{ text: "lobby", at: new Date(0) }]);
    await expect(caller.chat.history({ room: 1 } as never)).rejects.toMatchObject({ code: "BAD_REQUEST" });

    const wrong = procedures.other.history.query(() => [{ text: 1 }] as never);
    const wrongCaller = router({ ...record, other: { history: wrong } }).createCaller({ user: "ada" });
    await expect(wrongCaller.other.history({ room: "" })).rejects.toMatchObject({
      code: "INTERNAL_SERVER_ERROR",
      message: "Output validation failed",
    });
  });

  test("drop what a handler returns where there is no output", async () => {
    const { procedures, router, record } = build();
    const send = procedures.chat.send.mutation(() => ({ secret: true }) as never);
    const caller = router({ ...record, chat: { ...record.chat, send } }).createCaller({ user: "ada" });
    expect(await caller.chat.send("hello")).toBe(undefined);
  });

  test("take middlewares, which see the parsed input and the merged meta, in order", async () => {
    const { procedures, router, record } = build();
    const seen: unknown[] = [];
    const log = t.procedure.use(({ next, meta, input }) => {
      seen.push({ meta, input });
      return next({ ctx: { logged: true } });
    });
    const history = procedures.chat.history
      .meta({ limit: 3 })
      .use(({ next, input }) => {
        seen.push(input);
        return next();
      })
      .concat(log)
      .query(({ ctx }) => {
        seen.push(ctx);
        return [];
      });
    const caller = router({ ...record, chat: { ...record.chat, history } }).createCaller({ user: "ada" });
    await caller.chat.history({ room: "lobby", extra: 1 } as never);
    expect(seen).toEqual([
      { room: "lobby" },
      { meta: { audience: "all", limit: 3 }, input: { room: "lobby" } },
      { user: "ada", logged: true },
    ]);
  });

  test("have their output checked after the middlewares", async () => {
    const { procedures, router, record } = build();
    const history = procedures.chat.history
      .use(async ({ next }) => {
        const result = await next();
        return result.ok ? { ...result, data: "replaced" } : result;
      })
      .query(() => []);
    const caller = router({ ...record, chat: { ...record.chat, history } }).createCaller({ user: "ada" });
    await expect(caller.chat.history({ room: "" })).rejects.toMatchObject({ message: "Output validation failed" });
  });

  test("have each item checked, and pass errors of the handler on", async () => {
    const { procedures, router, record } = build();
    const messages = procedures.chat.messages.subscription(async function* ({ ctx }) {
      if (ctx.user === "nobody") throw new TRPCError({ code: "FORBIDDEN" });
      yield { text: "one", at: new Date(0), dropped: true };
      yield { text: 2 } as never;
    });
    const built = router({ ...record, chat: { ...record.chat, messages } });
    const items: unknown[] = [];
    const read = async (user: string) => {
      for await (const item of await built.createCaller({ user }).chat.messages()) items.push(item);
    };
    await expect(read("ada")).rejects.toMatchObject({ message: "Output validation failed" });
    expect(items).toEqual([{ text: "one", at: new Date(0) }]);
    await expect(read("nobody")).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  test("can be finished in one way only", () => {
    const { procedures } = build();
    expect(Object.keys(procedures.chat.history)).toEqual(["use", "concat", "meta", "query"]);
    expect(Object.keys(procedures.chat.send)).toEqual(["use", "concat", "meta", "mutation"]);
    expect(Object.keys(procedures.chat.messages.meta({}))).toEqual(["use", "concat", "meta", "subscription"]);
  });
});

describe("router", () => {
  test("refuses a record with a procedure missing", () => {
    const { router, record } = build();
    const { send: _, ...chat } = record.chat;
    expect(problemOf(router, { ...record, chat })).toBe('"chat.send" was not implemented');
    expect(problemOf(router, { chat: record.chat })).toBe('"other" was not implemented');
    expect(problemOf(router, undefined)).toBe("The contract was not implemented");
  });

  test("does not take what a record inherits", () => {
    const { router, record } = build();
    expect(problemOf(router, Object.create(record))).toBe('"chat" was not implemented');
  });

  test("refuses a record with a procedure too many", () => {
    const { router, record } = build();
    const extra = t.procedure.query(() => 1);
    expect(problemOf(router, { ...record, extra })).toBe('"extra" is not in the contract');
    const chat = { ...record.chat, toString: extra };
    expect(problemOf(router, { ...record, chat })).toBe('"chat.toString" is not in the contract');
  });

  test("refuses a procedure of another type", () => {
    const { router, record } = build();
    const chat = { ...record.chat, history: t.procedure.mutation(() => []) };
    expect(problemOf(router, { ...record, chat })).toBe(
      '"chat.history" is a query in the contract and was built as a mutation',
    );
  });

  test("refuses a procedure that was built for another path, from plain t or from another contract", () => {
    const { router, record } = build();
    const of = (history: unknown) => ({ ...record, chat: { ...record.chat, history } });
    expect(problemOf(router, of(record.other.history))).toBe('"chat.history" was built from procedures.other.history');
    const notBuilt = `"chat.history" was not built from this contract's procedures.chat.history`;
    expect(problemOf(router, of(t.procedure.query(() => [])))).toBe(notBuilt);
    expect(problemOf(router, of(build().record.chat.history))).toBe(notBuilt);
    expect(
      problemOf(
        router,
        of(() => []),
      ),
    ).toBe('"chat.history" is not a procedure');
    expect(problemOf(router, of({}))).toBe('"chat.history" is not a procedure');
  });

  test("gives procedures at prototypes' names", async () => {
    const odd = contract({
      constructor: query({ output: z.number() }),
      a: { toString: query({ output: z.number() }) },
    });
    const { procedures, router } = implement(odd, t);
    const built = router({
      constructor: procedures.constructor.query(() => 1),
      a: { toString: procedures.a.toString.query(() => 2) },
    });
    expect(Object.keys(built._def.procedures).sort()).toEqual(["a.toString", "constructor"]);
  });
});

describe("implement", () => {
  const plain = initTRPC.create();

  test("refuses at start a t whose transformer loses what the contract holds", () => {
    const untyped: Contract = api;
    expect(() => implement(untyped, plain)).toThrow(
      new ContractError(
        "chat.history",
        "has Date in its output, which the transformer of t does not keep: create t with one that does, such as rich",
      ),
    );
  });

  test("takes the same contract with a transformer that keeps it", () => {
    expect(() => implement(api, t)).not.toThrow();
  });
});
