import { WebSocket as NodeWebSocket } from "ws";
import type { WebSocketClass } from "./web-socket.ts";

/** `ws`, in every version of Node: undici's WebSocket had holes by which a hostile server could end the client. */
export const WebSocket: WebSocketClass = NodeWebSocket;
