import { createServer } from "node:http";
import { createSite, listen } from "@tautline/example-page/server";
import { serve } from "@tautline/server";
import { FileStore } from "./file-store.ts";
import { createContext, createRouter } from "./router.ts";

const host = process.env["HOST"] ?? "localhost";
const preferredPort = Number(process.env["PORT"] ?? 4748);

const site = await createSite(new URL("..", import.meta.url), ["api.ts", "limits.ts", "browser", "public"]);
const store = await FileStore.open();
const http = createServer(site);
const server = await serve({ router: createRouter(store), server: http, path: "/rpc", createContext });
const port = await listen(http, preferredPort, host);
console.log(`The files are at http://${host}:${port}`);

process.once("SIGINT", () => void stop());
process.once("SIGTERM", () => void stop());

/** What runs has a moment to end; then the files go too. */
async function stop(): Promise<void> {
  http.close();
  await server.close({ drainMs: 1_000 });
  http.closeAllConnections();
  await store.close();
}
