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
export type { EventTransformer } from "./event-codec.ts";
export type { Gap } from "./gap.ts";
export { createHub, type Hub } from "./hub.ts";
export type { HubCounts } from "./hub-control.ts";
export type {
  HistoryOptions,
  HubOptions,
  MemberSchema,
  PublishEventOptions,
  SubscribeEventsOptions,
  TopicOptions,
} from "./hub-options.ts";
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
export type { Presence, PresenceChange, PresenceOptions } from "./presence.ts";
export type { EventInfo } from "./read-plan.ts";
export { serve } from "./serve.ts";
export type { TautlineServer } from "./server.ts";
export type { SlowPolicy } from "./slow-policy.ts";
export type { Topic, TopicEvent } from "./topic.ts";
export type { TopicSubscription } from "./topic-subscription.ts";
