export const WebSocket: typeof globalThis.WebSocket = globalThis.WebSocket;
