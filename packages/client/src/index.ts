export type { BackoffOptions } from "./backoff.ts";
export type { CallOptions } from "./call.ts";
export type {
  ClientError,
  ContractClient,
  ContractClientOptions,
  CreateClient,
  ItemIterator,
  inferClientError,
  MutationCall,
  QueryCall,
  RouterClient,
  RouterClientOptions,
  Subscribe,
  SubscribeCallbacks,
  SubscriptionCall,
  SubscriptionOptions,
  Unsubscribable,
} from "./client-types.ts";
export type { ClientConnection, ConnectionState } from "./connection-state.ts";
export { createClient, createUntypedClient } from "./create-client.ts";
export { checkInput, type InputCheck } from "./input-check.ts";
export type { ConnectionOptions, ConnectionParams, Provided } from "./options.ts";
export type { TransformerOption } from "./transformer.ts";
export type { WebSocketClass, WebSocketLike } from "./web-socket.ts";
