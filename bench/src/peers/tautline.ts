import { createClient } from "@tautline/client";
import { serve } from "@tautline/server";
import type { Client, Peer } from "../peer.ts";
import { type AppRouter, router } from "./trpc-router.ts";

async function connect(port: number): Promise<Client> {
  const client = createClient<AppRouter>({ url: `ws://127.0.0.1:${port}` });
  await client.add.query({ a: 1, b: 1 });
  return {
    add: (a, b) => client.add.query({ a, b }),
    echo: (payload) => client.echo.mutate(payload),
    stream: (count, onItem) =>
      new Promise((resolve, reject) => {
        client.stream.subscribe({ count }, { onData: onItem, onError: reject, onComplete: resolve });
      }),
    close: () => client.connection.close(),
  };
}

/** Router first: types alone, no transformer. */
export const peer: Peer = {
  async startServer() {
    const server = await serve({ router, host: "127.0.0.1", port: 0 });
    return server.port;
  },
  connect,
};
