// What the server and client packages are built from. Not for users: it may change in any release.
export type { Clock, TimerHandle } from "./clock.ts";
export { decodeFrame, defaultFrameLimits, encodeMessage, type FrameLimits } from "./codec.ts";
export { Connection, type ConnectionHandlers, type Socket } from "./connection.ts";
export { type Deadline, Deadlines } from "./deadlines.ts";
export { isErrorCode, trpcErrorCodes } from "./errors.ts";
export { IncomingCall } from "./incoming-call.ts";
export {
  defaultMaxCalls,
  defaultMaxDepth,
  defaultMaxFrameBytes,
  defaultMaxFrameMessages,
  defaultMaxSubscriptions,
} from "./options.ts";
export { type CallObserver, type CallServer, type MessagePipe, Peer, type PeerOptions } from "./peer.ts";
export {
  badMessage,
  closeCode,
  type HelloMessage,
  isPeerMessage,
  type Message,
  mayReconnect,
  messageType,
  type PeerMessage,
  protocolVersion,
  subprotocol,
} from "./protocol.ts";
export { Pump, type PumpOptions } from "./pump.ts";
