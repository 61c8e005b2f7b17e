import { createClient } from "@tautline/client";
import { exposeRouter } from "@tautline/client/expose-router";
import { TautlineError } from "@tautline/core";
import type { RouterCalls } from "@tautline/server";
import { initTRPC, TRPCError } from "@trpc/server";
import { expect, it } from "vitest";
import { cleanUpAfterEach } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const c = initTRPC.create();
const clientRouter = c.router({
  wrapped: c.procedure.query(() => {
    const cause = new TautlineError({ code: "FORBIDDEN", message: "secret" });
    throw new TRPCError({ code: "CONFLICT", message: "not now", cause });
  }),
});

it("a TRPCError of an exposed router arrives with its own code and message, and not with its cause's", async () => {
  const t = initTRPC.context<{ page: RouterCalls<typeof clientRouter> }>().create();
  const router = t.router({
    ask: t.procedure.query(async ({ ctx }) => {
      const { code, message } = TautlineError.from(await rejection(ctx.page.wrapped.query()));
      return { code, message };
    }),
  });
  const { url } = await startServer<typeof router>({
    router,
    createContext: ({ client }) => ({ page: client<typeof clientRouter>() }),
  });
  const expose = exposeRouter(clientRouter, { onError: () => {} });
  const client = closing(createClient<typeof router>({ url, expose }));
  expect(await client.ask.query()).toEqual({ code: "CONFLICT", message: "not now" });
});
