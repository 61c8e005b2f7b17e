import { createUntypedClient } from "@tautline/client";
import { serve } from "@tautline/server";
import type { Payload } from "../application.ts";
import type { Client, Peer } from "../peer.ts";
import { router } from "./trpc-router.ts";

/** What the client's procedures are, until it can say so itself. */
export interface Calls {
  readonly add: { query(input: { a: number; b: number }): Promise<number> };
  readonly echo: { mutate(input: Payload): Promise<Payload> };
  readonly stream: { subscribe(input: { count: number }, callbacks: Callbacks): unknown };
  readonly connection: { close(): void };
}

interface Callbacks {
  readonly onData: (item: number) => void;
  readonly onError: (error: Error) => void;
  readonly onComplete: () => void;
}

export async function toClient(calls: Calls): Promise<Client> {
  await calls.add.query({ a: 1, b: 1 });
  return {
    add: (a, b) => calls.add.query({ a, b }),
    echo: (payload) => calls.echo.mutate(payload),
    stream: (count, onItem) =>
      new Promise((resolve, reject) => {
        calls.stream.subscribe({ count }, { onData: onItem, onError: reject, onComplete: resolve });
      }),
    close: () => calls.connection.close(),
  };
}

/** Router first: types alone, no transformer. */
export const peer: Peer = {
  async startServer() {
    const server = await serve({ router, host: "127.0.0.1", port: 0 });
    return server.port;
  },
  connect: (port) => toClient(createUntypedClient({ url: `ws://127.0.0.1:${port}` }) as Calls),
};
