import {
  type CallCarriers,
  type CallerStreamsOptions,
  downPartType,
  type MessagePipe,
  type MessageTable,
  type OutgoingCalls,
  PartSender,
  type StreamHost,
  StreamingCalls,
  StreamTable,
  streamMessages,
} from "@tautline/core/internals";

/** What carries streams in inputs and outputs, and large messages. */
export interface StreamsOption {
  /** What comes besides. */
  readonly messages: MessageTable;
  /** The calls that the client makes. */
  createCalls(options: CallerStreamsOptions): OutgoingCalls;
  /** Those of the calls that the server makes. */
  createCarriers(pipe: MessagePipe, createHost: () => StreamHost): CallCarriers;
}

/** For `createClient({ streams })` and `tautlineLink`: carries the streams in inputs and outputs, and large messages. */
export const streams: StreamsOption = {
  messages: streamMessages,
  createCalls: (options) => new StreamingCalls(options),
  createCarriers: (pipe, createHost) => ({
    streams: new StreamTable("callee", createHost),
    parts: new PartSender(downPartType, pipe, () => Promise.resolve()),
  }),
};
