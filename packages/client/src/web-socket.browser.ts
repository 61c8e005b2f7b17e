import type { WebSocketClass } from "./web-socket.ts";

const host: { readonly WebSocket: WebSocketClass } = globalThis;

export const WebSocket: WebSocketClass = host.WebSocket;
