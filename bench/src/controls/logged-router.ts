import type { History } from "@tautline/core/testing";
import { initTRPC, tracked } from "@trpc/server";
import { z } from "zod";
import { LoggedHandlers } from "./application.ts";

const input = z.object({ call: z.string(), turns: z.number(), items: z.number(), lastEventId: z.string().nullish() });

/** The handlers as a tRPC router, which two of the systems serve. No explicit type: it is inferred, as its users write it. */
export function createLoggedRouter(history: History) {
  const t = initTRPC.context<{ client: string }>().create();
  const handlers = new LoggedHandlers(history);
  return t.router({
    ask: t.procedure.input(input).query(({ ctx, input }) => handlers.work(ctx.client, input)),
    act: t.procedure.input(input).mutation(({ ctx, input }) => handlers.work(ctx.client, input)),
    count: t.procedure.input(input).subscription(async function* ({ ctx, input }) {
      for await (const item of handlers.count(ctx.client, input)) yield tracked(`${item.position}`, item);
    }),
  });
}

export type LoggedRouter = ReturnType<typeof createLoggedRouter>;
