import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocket, WebSocketServer } from "ws";
import type { Client, Peer } from "../peer.ts";
import { type AppRouter, router } from "./trpc-router.ts";

async function startServer(): Promise<number> {
  const wss = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  applyWSSHandler({ wss, router });
  await once(wss, "listening");
  return (wss.address() as AddressInfo).port;
}

async function connect(port: number): Promise<Client> {
  // The class of `ws` has what tRPC uses of the browsers' class.
  const WebSocketClass = WebSocket as unknown as typeof globalThis.WebSocket;
  const webSocket = createWSClient({ url: `ws://127.0.0.1:${port}`, WebSocket: WebSocketClass });
  const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: webSocket })] });
  await client.add.query({ a: 1, b: 1 });
  return {
    add: (a, b) => client.add.query({ a, b }),
    echo: (payload) => client.echo.mutate(payload),
    stream: (count, onItem) =>
      new Promise((resolve, reject) => {
        client.stream.subscribe({ count }, { onData: onItem, onError: reject, onComplete: resolve });
      }),
    close: () => void webSocket.close(),
  };
}

export const peer: Peer = { startServer, connect };
