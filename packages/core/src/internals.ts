// What the server and client packages are built from. Not for users: it may change in any release.

export { attachedTo } from "./attached.ts";
export { decodeBinaryFrame } from "./binary-frame.ts";
export {
  Call,
  type CallConnection,
  type CallHandlers,
  type CallOptions,
  type CallRuntime,
} from "./call.ts";
export type { StreamHost, StreamProgress } from "./call-streams.ts";
export { callerMessages } from "./caller-messages.ts";
export type { CallerStreamsOptions } from "./caller-streams.ts";
export type { Clock, TimerHandle } from "./clock.ts";
export * as closeCode from "./close-code.ts";
// By themselves, because bundlers do not look through a namespace that is passed on.
export { goingAway, mayReconnect, normal as normalClosure, silent as silentClosure } from "./close-code.ts";
export { type BinaryDecoder, decodeFrame, encodeInput, encodeMessage, encodePlain, type ParseJson } from "./codec.ts";
export { Connection, type ConnectionHandlers, type FrameReader } from "./connection.ts";
export type {
  CallError,
  ContractCalls,
  ItemIterator,
  MutationCall,
  ProcedureCalls,
  QueryCall,
  Subscribe,
  SubscribeCallbacks,
  SubscriptionCall,
  SubscriptionOptions,
  Unsubscribable,
} from "./contract-calls.ts";
export { costOf } from "./credit.ts";
export { type Deadline, Deadlines } from "./deadlines.ts";
export type { Borrower } from "./deferred-replay-buffer.ts";
export { everyMessage } from "./every-message.ts";
export { type EncodedMessage, type Frame, frameLength } from "./frame.ts";
export { type Beating, beatMs, Heartbeat, needOf } from "./heartbeat.ts";
export { type CallOutcome, IncomingCall } from "./incoming-call.ts";
export { type CallCarriers, type CallLimits, type CallServer, IncomingCalls } from "./incoming-calls.ts";
export { LendingSession } from "./lending-session.ts";
export * as messageType from "./message-type.ts";
export {
  auth as authType,
  authenticated as authenticatedType,
  downPart as downPartType,
  goaway as goawayType,
  hello as helloType,
  refused as refusedType,
  welcome as welcomeType,
} from "./message-type.ts";
export {
  defaultDeadAfterMs,
  defaultHeartbeatMs,
  defaultMaxCalls,
  defaultMaxDepth,
  defaultMaxFrameBytes,
  defaultMaxMessageBytes,
  defaultMaxStreamBytes,
  defaultMaxSubscriptions,
  defaultMaxWindowBytes,
  largeFrameLength,
  windowBytes,
} from "./options.ts";
export { OutgoingCalls } from "./outgoing-calls.ts";
export { PacedSession } from "./paced-session.ts";
export { PartSender } from "./part-sender.ts";
export { type CallReceiver, Peer, type PeerOptions } from "./peer.ts";
export type { MessagePipe } from "./pipe.ts";
export type { LostPipe, PipeEnd } from "./pipe-end.ts";
export { createProcedureProxy, type InputCheck, type KnownProcedures } from "./procedure-proxy.ts";
export {
  type AuthMessage,
  badMessage,
  type CallFields,
  type HelloFields,
  type HelloMessage,
  isSessionMessage,
  type Message,
  type MessageTable,
  type PeerMessage,
  protocolVersion,
  type SessionMessage,
  subprotocol,
  type WelcomeFields,
} from "./protocol.ts";
export { Pump, type PumpOptions } from "./pump.ts";
export { report } from "./report.ts";
export { serverMessages } from "./server-messages.ts";
export { Session, type SessionOwner } from "./session.ts";
export { type OutgoingFrame, type OutgoingMessage, plainFrame, SharedMessage } from "./shared-message.ts";
export type { Socket } from "./socket.ts";
export { StreamBudget } from "./stream-budget.ts";
export { streamMessages } from "./stream-messages.ts";
export { streamsOf, withoutStreams } from "./stream-slot.ts";
export { StreamTable } from "./stream-table.ts";
export { StreamingCalls } from "./streaming-calls.ts";
export { parseStrictly } from "./strict-json.ts";
export { type TransformerOption, Values } from "./values.ts";
