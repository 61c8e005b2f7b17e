import { createClient, streams } from "@tautline/client";
import { contract, mutation, query, rich, stream, subscription } from "@tautline/core";
import { implement, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { z } from "zod";
import { AddInput, add, type Payload, StreamInput, streamItems } from "../application.ts";
import type { Client, Peer } from "../peer.ts";

const api = contract({
  add: query({ input: AddInput, output: z.number() }),
  echo: mutation({ input: z.custom<Payload>(), output: z.custom<Payload>() }),
  stream: subscription({ input: StreamInput, output: z.number() }),
  download: query({ input: StreamInput, output: stream(z.number()) }),
});

function createRouter() {
  const { procedures, router } = implement(api, initTRPC.create({ transformer: rich }));
  return router({
    add: procedures.add.query(({ input }) => add(input)),
    echo: procedures.echo.mutation(({ input }) => input),
    stream: procedures.stream.subscription(({ input }) => streamItems(input.count)),
    download: procedures.download.query(({ input }) => streamItems(input.count)),
  });
}

async function connect(port: number): Promise<Client> {
  const client = createClient({ contract: api, url: `ws://127.0.0.1:${port}`, transformer: rich, streams });
  await client.add.query({ a: 1, b: 1 });
  return {
    add: (a, b) => client.add.query({ a, b }),
    echo: (payload) => client.echo.mutate(payload),
    stream: (count, onItem) =>
      new Promise((resolve, reject) => {
        client.stream.subscribe({ count }, { onData: onItem, onError: reject, onComplete: resolve });
      }),
    download: async (count, onItem) => {
      for await (const item of await client.download.query({ count })) onItem(item);
    },
    close: () => client.connection.close(),
  };
}

/** Contract first: inputs, outputs and items are checked at the server, `rich` reads and writes them. */
export const peer: Peer = {
  async startServer() {
    const server = await serve({ router: createRouter(), host: "127.0.0.1", port: 0 });
    return server.port;
  },
  connect,
};
