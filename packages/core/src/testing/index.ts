export { type CallEvent, CallRecord } from "./call-record.ts";
export { FakeClock } from "./fake-clock.ts";
export { messagesOf, textOf } from "./frame-json.ts";
export { type CallKind, type Following, History, type HistoryEntry } from "./history.ts";
export { findViolations, invariants, type Violation } from "./invariants.ts";
export {
  type LinkEnd,
  MemoryLink,
  type MemoryLinkOptions,
  MemorySocket,
  type MemorySocketEvents,
  type Traffic,
} from "./memory-link.ts";
export {
  type Listener,
  MemoryConnection,
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryWebSocketClass,
} from "./memory-network.ts";
export { MemoryWebSocket, type MemoryWebSocketEvents } from "./memory-web-socket.ts";
export { createPair, type Pair, type PairEnd, type PairEndOptions, type PairOptions } from "./pair.ts";
export { SeededRandom } from "./seeded-random.ts";
