import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { SuperJSON } from "superjson";
import { WebSocket, WebSocketServer } from "ws";
import type { Client, Peer } from "../peer.ts";
import { type BytesRouter, createBytesRouter } from "./bytes-router.ts";

/** By itself superjson writes bytes as an array of numbers. */
const transformer = new SuperJSON();
transformer.registerCustom<Uint8Array, string>(
  {
    isApplicable: (value): value is Uint8Array => value instanceof Uint8Array,
    serialize: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64"),
    deserialize: (text) => Buffer.from(text, "base64"),
  },
  "bytes",
);

async function startServer(): Promise<number> {
  const wss = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  applyWSSHandler({ wss, router: createBytesRouter(transformer) });
  await once(wss, "listening");
  return (wss.address() as AddressInfo).port;
}

async function connect(port: number): Promise<Client> {
  // The class of `ws` has what tRPC uses of the browsers' class.
  const WebSocketClass = WebSocket as unknown as typeof globalThis.WebSocket;
  const webSocket = createWSClient({ url: `ws://127.0.0.1:${port}`, WebSocket: WebSocketClass });
  const client = createTRPCClient<BytesRouter>({ links: [wsLink({ client: webSocket, transformer })] });
  await client.add.query({ a: 1, b: 1 });
  return {
    add: (a, b) => client.add.query({ a, b }),
    echo: (payload) => client.echo.mutate(payload),
    echoBytes: (bytes) => client.echoBytes.mutate(bytes),
    stream: (count, onItem) =>
      new Promise((resolve, reject) => {
        client.stream.subscribe({ count }, { onData: onItem, onError: reject, onComplete: resolve });
      }),
    close: () => void webSocket.close(),
  };
}

/** Bytes as base64, by the transformer that most of tRPC's users have. */
export const peer: Peer = { startServer, connect };
