export { type CallEvent, CallRecord } from "./call-record.ts";
export { FakeClock } from "./fake-clock.ts";
export { MemoryLink, type MemoryLinkOptions, MemorySocket, type MemorySocketEvents } from "./memory-link.ts";
export { createPair, type Pair, type PairEnd, type PairEndOptions, type PairOptions } from "./pair.ts";
