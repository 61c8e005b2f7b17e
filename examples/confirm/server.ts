import { type ContractCalls, implement, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { api, clientApi } from "./api.ts";

const files = ["a.txt", "b.txt", "c.txt"];

const t = initTRPC.context<{ client: ContractCalls<typeof clientApi> }>().create();
const { procedures, router: build } = implement(api, t);

const router = build({
  clear: procedures.clear.mutation(async ({ ctx, signal }) => {
    const question = `Delete ${files.length} files?`;
    const sure = await ctx.client.confirm.query({ question }, { timeoutMs: 60_000, signal });
    return { deleted: sure ? files.splice(0).length : 0 };
  }),
});

const server = await serve({
  router,
  port: Number(process.env["PORT"] ?? 3000),
  createContext: ({ client }) => ({ client: client(clientApi) }),
});
console.log(server.url);
process.once("SIGTERM", () => void server.close({ drainMs: 1_000 }));
