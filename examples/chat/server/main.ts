import { createServer } from "node:http";
import { listen } from "@tautline/example-page/server";
import { createHub, serve } from "@tautline/server";
import { createContext, createRouter } from "./router.ts";
import { createChatSite } from "./site.ts";

const host = process.env["HOST"] ?? "localhost";
const preferredPort = Number(process.env["PORT"] ?? 4747);

const http = createServer(await createChatSite());
const server = await serve({ router: createRouter(createHub()), server: http, path: "/rpc", createContext });
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
