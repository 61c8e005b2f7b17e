export { MemoryBackend, type MemoryBackendOptions } from "../memory-backend.ts";
export { MemoryBroker } from "../memory-broker.ts";
export { type BrokerHarness, type BrokerTest, brokerConformance } from "./broker-conformance.ts";
export { CuttableBroker } from "./cuttable-broker.ts";
export { type IdempotencyHarness, type IdempotencyTest, idempotencyConformance } from "./idempotency-conformance.ts";
export { createMemoryServer, type MemoryServer, type MemoryServerOptions } from "./memory-server.ts";
