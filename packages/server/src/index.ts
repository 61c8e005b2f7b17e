export type {
  CallError,
  CallOptions,
  ContractCalls,
  ItemIterator,
  MutationCall,
  QueryCall,
  Subscribe,
  SubscribeCallbacks,
  SubscriptionCall,
  SubscriptionOptions,
  Unsubscribable,
} from "@tautline/core/internals";
export type { ClientFactory, RouterCalls } from "./client-factory.ts";
export type {
  BuiltProcedure,
  ContractBuilder,
  ContractMutationBuilder,
  ContractQueryBuilder,
  ContractSubscriptionBuilder,
  ImplementedProcedure,
  ItemSource,
} from "./contract-builder.ts";
export {
  type IdempotencyStore,
  type MemoryIdempotencyOptions,
  memoryIdempotencyStore,
} from "./idempotency.ts";
export {
  type ContractBuilders,
  type ContractRouterRecord,
  type Implementation,
  type ImplementedProcedures,
  implement,
} from "./implement.ts";
export type { CreateContextOptions, ErrorReport, ServeOptions, SessionEvent } from "./options.ts";
export type { AllowedOrigins } from "./origin.ts";
export { serve } from "./serve.ts";
export type { TautlineServer } from "./server.ts";
