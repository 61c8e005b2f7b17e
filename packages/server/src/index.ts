export type {
  Broker,
  BrokerTopic,
  Closable,
  FollowListener,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Position,
  PositionGap,
  PublishOptions,
  StoredEvent,
} from "./broker.ts";
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
export { type MemoryBrokerOptions, memoryBroker } from "./memory-broker.ts";
export type { CreateContextOptions, ErrorReport, ServeOptions, SessionEvent } from "./options.ts";
export type { AllowedOrigins } from "./origin.ts";
export { serve } from "./serve.ts";
export type { TautlineServer } from "./server.ts";
