export { natsBroker } from "./nats-broker.ts";
export type { NatsBrokerOptions, NatsLinkOptions } from "./options.ts";
