export type { RedisBrokerOptions, RedisConnectionOptions, RedisServer } from "./options.ts";
export { redisBroker } from "./redis-broker.ts";
