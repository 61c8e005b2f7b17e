import type { WebSocketClass } from "./web-socket.ts";

declare const globalThis: { readonly WebSocket: WebSocketClass };

export const WebSocket: WebSocketClass = globalThis.WebSocket;
