export type {
  CallError as ClientError,
  CallOptions,
  InputCheck,
  ItemIterator,
  MutationCall,
  QueryCall,
  SubscriptionOptions,
  TransformerOption,
  Unsubscribable,
} from "@tautline/core/internals";
export type { BackoffOptions } from "./backoff.ts";
export type {
  ConnectionCallbacks,
  ContractClient,
  ContractClientOptions,
  CreateClient,
  inferClientError,
  RouterClient,
  RouterClientOptions,
  Subscribe,
  SubscribeCallbacks,
  SubscriptionCall,
} from "./client-types.ts";
export type { ClientConnection, ConnectionState } from "./connection-state.ts";
export { createClient, createUntypedClient } from "./create-client.ts";
export type { Exposed } from "./exposed.ts";
export { checkInput } from "./input-check.ts";
export type { ConnectionOptions, ConnectionParams, Provided } from "./options.ts";
export { type StreamsOption, streams } from "./streams.ts";
export type { WebSocketClass, WebSocketLike } from "./web-socket.ts";
