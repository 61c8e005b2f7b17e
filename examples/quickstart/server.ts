import { rich } from "@tautline/core";
import { createHub, implement, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { api, Message } from "./api.ts";

const hub = createHub();
const rooms = hub.topic("rooms", Message);

const t = initTRPC.context<{ user: string }>().create({ transformer: rich });
const { procedures, router: build } = implement(api, t);
const { chat } = procedures;

const router = build({
  chat: {
    history: chat.history.query(async ({ input }) => (await rooms.history(input.room)).map(({ data }) => data)),
    send: chat.send.mutation(async ({ input, ctx }) => {
      const { data } = await rooms.publish(input.room, { ...input, from: ctx.user, at: new Date() });
      return data;
    }),
    messages: chat.messages.subscription(({ input }) => rooms.subscribe(input.room)),
  },
});

const server = await serve({
  router,
  port: Number(process.env["PORT"] ?? 3000),
  createContext: ({ info }) => ({ user: info.connectionParams?.["user"] ?? "guest" }),
});
console.log(server.url);
process.once("SIGTERM", () => void server.close({ drainMs: 1_000 }).then(() => hub.close()));
