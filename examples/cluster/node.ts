/** A node: one of those that serve the chat. Arguments: the URL of the Redis, and its name. */
import { createServer } from "node:http";
import { createChatSite, createContext, createRouter } from "@tautline/example-chat/server";
import { listen } from "@tautline/example-page/server";
import { redisBroker, redisIdempotencyStore } from "@tautline/redis";
import { createHub, serve } from "@tautline/server";

const [redis = "", name = ""] = process.argv.slice(2);

/** How long nobody is told that a node has died: whom it served is shown as there for so long. */
const leaseMs = 5_000;

const hub = createHub({ broker: redisBroker(redis), leaseMs });
const idempotency = redisIdempotencyStore(redis, { leaseMs });
// The answer is on its way before it is killed.
const kill = (): void => void setTimeout(() => process.kill(process.pid, "SIGKILL"), 50);

const http = createServer(await createChatSite());
const router = createRouter(hub, { name, kill });
const server = await serve({ router, hub, idempotency, server: http, path: "/rpc", createContext });
process.send?.(await listen(http, 0, "127.0.0.1"));

process.once("disconnect", () => process.exit());
process.once("SIGINT", () => {});
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  http.close();
  await server.close({ drainMs: 1_000 });
  http.closeAllConnections();
  await Promise.all([hub.close(), idempotency.close()]);
  process.disconnect();
}
