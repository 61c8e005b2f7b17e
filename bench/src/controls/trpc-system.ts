import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocket, WebSocketServer } from "ws";
import { createLoggedRouter, type LoggedRouter } from "./logged-router.ts";
import type { System } from "./system.ts";

/** tRPC over WebSockets; its subscriptions continue after the last tracked id. */
export const trpcSystem: System = {
  name: "trpc",

  async serve(history) {
    const wss = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    applyWSSHandler({
      wss,
      router: createLoggedRouter(history),
      createContext: ({ info }) => ({ client: info.connectionParams?.["client"] ?? "nobody" }),
    });
    await once(wss, "listening");
    const close = async (): Promise<void> => {
      for (const webSocket of wss.clients) webSocket.terminate();
      await new Promise((resolve) => wss.close(resolve));
    };
    return { port: (wss.address() as AddressInfo).port, close };
  },

  connect({ port, name, onExcuse }) {
    const webSocket = createWSClient({
      url: `ws://127.0.0.1:${port}`,
      // The class of `ws` has what tRPC uses of the browsers' class.
      WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
      connectionParams: { client: name },
      retryDelayMs: () => Math.random() * 4,
      onClose: onExcuse,
    });
    const client = createTRPCClient<LoggedRouter>({ links: [wsLink({ client: webSocket })] });
    return {
      request: (type, input) => (type === "query" ? client.ask.query(input) : client.act.mutate(input)),
      read: (input, { onItem }) =>
        new Promise((resolve, reject) => {
          client.count.subscribe(input, {
            onData: ({ data }) => onItem(data),
            onComplete: resolve,
            onError: reject,
          });
        }),
      close: () => void webSocket.close(),
    };
  },
};
