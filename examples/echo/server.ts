import { serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { z } from "zod";

const t = initTRPC.create();
const router = t.router({ echo: t.procedure.input(z.string()).query(({ input }) => input) });
export type Router = typeof router;

const server = await serve({ router, host: "localhost", port: Number(process.env["PORT"] ?? 3000) });
console.log(server.url);
process.once("SIGTERM", () => void server.close({ drainMs: 1_000 }));
