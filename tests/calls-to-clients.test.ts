import { createClient } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { ContractError, contract, query, rich } from "@tautline/core";
import type { ErrorReport } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { type CallingContext, type CallingRouter, callingRouter, clientApi } from "./fixture/client-api.ts";
import { handlers, startExposing } from "./fixture/exposing-client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

describe("a server that calls its clients", () => {
  it("gets an error at once where the client exposes nothing, and the connection stays", async () => {
    const server = await startServer({
      router: callingRouter,
      createContext: ({ client }) => ({ client: client(clientApi) }),
    });
    const client = closing(createClient<CallingRouter>({ url: server.url, transformer: rich }));
    expect(await rejection(client.ask.query("sure?"))).toMatchObject({
      code: "NOT_IMPLEMENTED",
      message: "the client exposes no procedures",
    });
    expect(await client.ping.query()).toBe("pong");
    expect(client.connection.state.status).toBe("online");
  });

  it("gets NOT_FOUND for what the client does not have, and BAD_REQUEST for what is of another type", async () => {
    const otherApi = contract({ confirm: query(), elsewhere: query(), constructor: query() });
    const t = initTRPC.context<{ calls: Record<string, { query(): Promise<unknown> }> }>().create();
    const router = t.router({
      reach: t.procedure.input(z.string()).query(({ ctx, input }) => ctx.calls[input]?.query()),
    });
    const server = await startServer({
      router,
      onError: () => {},
      createContext: ({ client }) => ({ calls: client(otherApi) }),
    });
    const someApi = contract({ elsewhere: clientApi.notes.add });
    const client = closing(
      createClient<typeof router>({
        url: server.url,
        expose: expose(someApi, { elsewhere: () => ({ at: new Date(), text: "" }) }),
      }),
    );
    for (const path of ["confirm", "constructor"])
      expect(await rejection(client.reach.query(path))).toMatchObject({ code: "NOT_FOUND" });
    expect(await rejection(client.reach.query("elsewhere"))).toMatchObject({ code: "BAD_REQUEST" });
  });

  it("cannot call before the context stands: createContext is told so", async () => {
    const reports: ErrorReport<unknown>[] = [];
    const server = await startServer({
      router: callingRouter,
      onError: (report) => reports.push(report),
      createContext: async ({ client }) => {
        const calls = client(clientApi);
        await calls.confirm.query({ question: "who?" });
        return { client: calls };
      },
    });
    const client = closing(
      createClient<CallingRouter>({
        url: server.url,
        transformer: rich,
        expose: expose(clientApi, handlers),
        backoff: { baseMs: 100_000, maxMs: 100_000 },
        random: () => 1,
      }),
    );
    client.connection.connect();
    await until("it is refused", () => client.connection.state.status === "reconnecting");
    expect(reports).toMatchObject([{ error: { cause: { code: "PRECONDITION_FAILED" } } }]);
  });

  it("does not take a contract that is none, or that its transformer does not keep: no client is let in", async () => {
    const reports: ErrorReport<unknown>[] = [];
    const t = initTRPC.context<object>().create();
    const router = t.router({ ping: t.procedure.query(() => "pong") });
    for (const unsound of [clientApi, contract({ call: query() })]) {
      const server = await startServer<typeof router>({
        router,
        onError: (report) => reports.push(report),
        createContext: ({ client }) => ({ client: client(unsound) }),
      });
      const client = closing(createClient<typeof router>({ url: server.url }));
      client.connection.connect();
      await until("it is refused", () => client.connection.state.status === "reconnecting");
      client.connection.close();
    }
    expect(reports.map(({ error }) => error.cause)).toEqual([expect.any(ContractError), expect.any(ContractError)]);
    expect(reports[0]?.error.message).toContain("notes.add");
  });

  it("calls with the context that newer credentials have made", async () => {
    const contexts: CallingContext[] = [];
    const server = await startServer({
      router: callingRouter,
      createContext: async ({ client }) => {
        const calls = client(clientApi);
        const first = contexts.length === 0;
        contexts.push({ client: calls });
        if (!first) expect(await calls.length.query("in createContext")).toBe(16);
        return { client: calls };
      },
    });
    const client = closing(
      createClient<CallingRouter>({ url: server.url, transformer: rich, expose: expose(clientApi, handlers) }),
    );
    await client.ping.query();
    await client.connection.authenticate({ token: "newer" });
    expect(await client.ask.query("still there?")).toBe("yes");
    expect(contexts).toHaveLength(2);
    expect(await contexts[0]?.client.length.query("old one")).toBe(7);
  });

  it("has a limit on what it asks of one client at a time", async () => {
    const { calls } = await startExposing(
      { confirm: () => new Promise(() => {}) },
      { serve: { maxCalls: 2, maxSubscriptions: 1 } },
    );
    const waiting = [1, 2, 3].map((n) => rejection(calls.confirm.query({ question: `${n}` })));
    expect(await rejection(calls.confirm.query({ question: "4" }))).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    expect(waiting).toHaveLength(3);
  });
});
