import { createServer } from "node:http";
import { createSite, listen } from "@tautline/example-page/server";
import { serve } from "@tautline/server";
import { createContext, router } from "./router.ts";

const host = process.env["HOST"] ?? "localhost";
const preferredPort = Number(process.env["PORT"] ?? 4747);

const site = await createSite(new URL("..", import.meta.url), ["api.ts", "limits.ts", "browser", "public"]);
const http = createServer(site);
const server = await serve({ router, server: http, path: "/rpc", createContext });
const port = await listen(http, preferredPort, host);
console.log(`The chat is open at http://${host}:${port}`);

process.once("SIGINT", () => void stop());
process.once("SIGTERM", () => void stop());

/** Pages are told to go, and what they wait for is answered first. */
async function stop(): Promise<void> {
  http.close();
  await server.close({ drainMs: 1_000 });
  http.closeAllConnections();
}
