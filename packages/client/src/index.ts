export type { BackoffOptions } from "./backoff.ts";
export type { ClientConnection, ConnectionState } from "./connection-state.ts";
export { createUntypedClient } from "./create-client.ts";
export type { ConnectionOptions, ConnectionParams, Provided } from "./options.ts";
export type { WebSocketClass, WebSocketLike } from "./web-socket.ts";
