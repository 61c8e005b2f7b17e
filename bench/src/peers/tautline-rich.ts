import { createClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { serve } from "@tautline/server";
import type { Client, Peer } from "../peer.ts";
import { type BytesRouter, createBytesRouter } from "./bytes-router.ts";

async function connect(port: number): Promise<Client> {
  const client = createClient<BytesRouter>({ url: `ws://127.0.0.1:${port}`, transformer: rich });
  await client.add.query({ a: 1, b: 1 });
  return {
    add: (a, b) => client.add.query({ a, b }),
    echo: (payload) => client.echo.mutate(payload),
    echoBytes: (bytes) => client.echoBytes.mutate(bytes),
    stream: (count, onItem) =>
      new Promise((resolve, reject) => {
        client.stream.subscribe({ count }, { onData: onItem, onError: reject, onComplete: resolve });
      }),
    close: () => client.connection.close(),
  };
}

/** Bytes as attachments of binary frames. */
export const peer: Peer = {
  async startServer() {
    const server = await serve({ router: createBytesRouter(rich), host: "127.0.0.1", port: 0 });
    return server.port;
  },
  connect,
};
