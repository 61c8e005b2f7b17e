import { createServer, type Server as HttpServer } from "node:http";
import type { AnyTRPCRouter } from "@trpc/server";
import { headersTimeoutMs, type ServeOptions } from "./options.ts";
import { Server, type TautlineServer } from "./server.ts";

/**
 * Serves a tRPC router (one built from a contract is one) over WebSockets. Resolves when it listens; before it does, a store of mutations
 * has to be there, or to have been away for its `waitMs`.
 *
 * @throws what listening throws: `EADDRINUSE` and the like.
 */
export async function serve<Router extends AnyTRPCRouter>(options: ServeOptions<Router>): Promise<TautlineServer> {
  if (options.idempotency?.ready !== undefined) await options.idempotency.ready();
  const http = options.server ?? createHttpServer();
  const server = new Server(options, http);
  if (options.server !== undefined) return server;
  try {
    await listen(http, options.port ?? 0, options.host);
    return server;
  } catch (error) {
    await server.close({ drainMs: 0 });
    throw error;
  }
}

/** Answers what is no upgrade: 426 says which protocol is spoken here (RFC 9110, section 15.5.22). */
function createHttpServer(): HttpServer {
  const timeouts = { headersTimeout: headersTimeoutMs, requestTimeout: headersTimeoutMs };
  return createServer({ ...timeouts, connectionsCheckingInterval: 1_000 }, (request, response) => {
    const status = request.method === "GET" || request.method === "HEAD" ? 426 : 405;
    response.writeHead(status, { connection: "close", upgrade: "websocket" }).end();
  });
}

function listen(http: HttpServer, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen({ port, ...(host !== undefined && { host }) }, () => {
      http.off("error", reject);
      resolve();
    });
  });
}
