export type { RedisBrokerOptions, RedisConnectionOptions, RedisIdempotencyOptions, RedisServer } from "./options.ts";
export { redisBroker } from "./redis-broker.ts";
export { type RedisIdempotencyStore, redisIdempotencyStore } from "./redis-idempotency.ts";
