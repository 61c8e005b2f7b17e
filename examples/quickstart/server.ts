import { EventEmitter, on } from "node:events";
import { rich } from "@tautline/core";
import { implement, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { api, type Message } from "./api.ts";

const history: Message[] = [];
const posted = new EventEmitter<{ message: [Message] }>();

const t = initTRPC.context<{ user: string }>().create({ transformer: rich });
const { procedures, router: build } = implement(api, t);
const { chat } = procedures;

const router = build({
  chat: {
    history: chat.history.query(({ input }) => history.filter(({ room }) => room === input.room)),
    send: chat.send.mutation(({ input, ctx }) => {
      const message = { ...input, from: ctx.user, at: new Date() };
      history.push(message);
      posted.emit("message", message);
      return message;
    }),
    messages: chat.messages.subscription(async function* ({ input, signal }) {
      const live = on(posted, "message", { signal }) as AsyncIterable<[Message]>;
      for await (const [message] of live) if (message.room === input.room) yield message;
    }),
  },
});

const server = await serve({
  router,
  port: Number(process.env["PORT"] ?? 3000),
  createContext: ({ info }) => ({ user: info.connectionParams?.["user"] ?? "guest" }),
});
console.log(server.url);
process.once("SIGTERM", () => void server.close({ drainMs: 1_000 }));
