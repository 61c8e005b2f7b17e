import { createClient } from "@tautline/client";
import { exposeRouter } from "@tautline/client/expose-router";
import { rich, TautlineError } from "@tautline/core";
import type { RouterCalls } from "@tautline/server";
import { initTRPC, lazy, TRPCError, tracked } from "@trpc/server";
import { observable } from "@trpc/server/observable";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const c = initTRPC.context<{ page: string }>().create({
  transformer: rich,
  errorFormatter: ({ shape }) => ({ ...shape, data: { ...shape.data, formatted: true } }),
});

const lateRouter = c.router({ hello: c.procedure.query(() => "loaded") });

const clientRouter = c.router({
  confirm: c.procedure.input(z.object({ at: z.date() })).query(({ input, ctx }) => ({ ...input, page: ctx.page })),
  nested: c.router({
    add: c.procedure
      .use(({ next, ctx }) => next({ ctx: { page: `${ctx.page}!` } }))
      .input(z.number())
      .mutation(({ input, ctx }) => `${input} on ${ctx.page}`),
  }),
  fail: c.procedure.input(z.enum(["trpc", "tautline", "unexpected"])).query(({ input }) => {
    if (input === "trpc") throw new TRPCError({ code: "CONFLICT", message: "deliberate" });
    if (input === "tautline") throw new TautlineError({ code: "FORBIDDEN", message: "deliberate too" });
    throw new Error("secret");
  }),
  wait: c.procedure.query(
    ({ signal }) =>
      new Promise<never>((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error))),
  ),
  items: c.procedure.subscription(async function* () {
    yield { n: 1n };
    yield { n: 2n };
  }),
  log: c.procedure.subscription(async function* () {
    yield tracked("a", "first");
  }),
  // oxlint-disable-next-line typescript/no-deprecated -- observables are served as well
  observed: c.procedure.subscription(() =>
    observable<string>((observer) => {
      observer.next("seen");
      observer.complete();
    }),
  ),
  late: lazy(() => Promise.resolve({ lateRouter })),
});
type ClientRouter = typeof clientRouter;

async function start(): Promise<{ calls: RouterCalls<ClientRouter>; reports: unknown[] }> {
  const contexts: RouterCalls<ClientRouter>[] = [];
  const t = initTRPC.context<object>().create({ transformer: rich });
  const router = t.router({ ping: t.procedure.query(() => "pong") });
  const server = await startServer<typeof router>({
    router,
    createContext: ({ client }) => {
      contexts.push(client<ClientRouter>());
      return {};
    },
  });
  const reports: unknown[] = [];
  const client = closing(
    createClient<typeof router>({
      url: server.url,
      transformer: rich,
      expose: exposeRouter(clientRouter, {
        createContext: async () => ({ page: "home" }),
        onError: ({ path, error }) => reports.push([path, error.code, error.message]),
      }),
    }),
  );
  await client.ping.query();
  const [calls] = contexts;
  if (calls === undefined) throw new Error("there is no context");
  return { calls, reports };
}

describe("a client that exposes a tRPC router", () => {
  it("answers with what its procedures, middlewares and context make, lazy routers too", async () => {
    const { calls } = await start();
    const at = new Date(7);
    expect(await calls.confirm.query({ at })).toEqual({ at, page: "home" });
    expect(await calls.nested.add.mutate(3)).toBe("3 on home!");
    expect(await calls.late.hello.query()).toBe("loaded");
    expect(await calls.late.hello.query()).toBe("loaded");
  });

  it("answers subscriptions: generators, tracked items, observables", async () => {
    const { calls } = await start();
    expect(await collect(calls.items.subscribe())).toEqual([{ n: 1n }, { n: 2n }]);
    expect(await collect(calls.log.subscribe())).toEqual([{ id: "a", data: "first" }]);
    expect(await collect(calls.observed.subscribe())).toEqual(["seen"]);
  });

  it("tells its server of errors as its formatter shapes them, without what was not meant for it", async () => {
    const { calls, reports } = await start();
    expect(await rejection(calls.fail.query("trpc"))).toMatchObject({
      code: "CONFLICT",
      message: "deliberate",
      data: { formatted: true, path: "fail" },
    });
    expect(await rejection(calls.fail.query("tautline"))).toMatchObject({
      code: "FORBIDDEN",
      message: "deliberate too",
    });
    const unexpected = await rejection(calls.fail.query("unexpected"));
    expect(unexpected).toMatchObject({ code: "INTERNAL_SERVER_ERROR", message: "Internal server error" });
    expect(JSON.stringify((unexpected as TautlineError).shape)).not.toMatch(/secret|stack|[.]ts/);
    expect(await rejection(calls.confirm.query({ at: "no date" as never }))).toMatchObject({ code: "BAD_REQUEST" });
    expect(reports.slice(0, 3)).toEqual([
      ["fail", "CONFLICT", "deliberate"],
      ["fail", "FORBIDDEN", "deliberate too"],
      ["fail", "INTERNAL_SERVER_ERROR", "secret"],
    ]);
  });

  it("is told when a call is given up", async () => {
    const { calls, reports } = await start();
    expect(await rejection(calls.wait.query(undefined, { timeoutMs: 1 }))).toMatchObject({ code: "TIMEOUT" });
    await calls.items.subscribe().next();
    expect(reports).toEqual([["wait", "TIMEOUT", "TIMEOUT"]]);
  });

  it("has NOT_FOUND for a path that it has not, whatever it is spelt like, and BAD_REQUEST for another type", async () => {
    const { calls } = await start();
    const strange = calls as unknown as Record<string, { query(): Promise<unknown> }>;
    for (const path of ["nothing", "constructor", "__proto__", "late", "nested"])
      expect(await rejection(strange[path]?.query() ?? Promise.resolve())).toMatchObject({ code: "NOT_FOUND" });
    expect(await rejection(strange["items"]?.query() ?? Promise.resolve())).toMatchObject({ code: "BAD_REQUEST" });
  });
});
