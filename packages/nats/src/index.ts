export { natsBroker } from "./nats-broker.ts";
export { type NatsIdempotencyStore, natsIdempotencyStore } from "./nats-idempotency.ts";
export type { NatsBrokerOptions, NatsIdempotencyOptions, NatsLinkOptions } from "./options.ts";
