import {
  type CallCarriers,
  CallerStreams,
  type CallerStreamsOptions,
  downPartType,
  type MessagePipe,
  type MessageTable,
  type OutgoingStreams,
  PartSender,
  type StreamHost,
  StreamTable,
  streamMessages,
} from "@tautline/core/internals";

/** What carries streams in inputs and outputs, and large messages. */
export interface StreamsOption {
  /** What comes besides. */
  readonly messages: MessageTable;
  /** Those of the calls that the client makes. */
  createCaller(options: CallerStreamsOptions): OutgoingStreams;
  /** Those of the calls that the server makes. */
  createCarriers(pipe: MessagePipe, createHost: () => StreamHost): CallCarriers;
}

/** For `createClient({ streams })` and `tautlineLink`: carries the streams in inputs and outputs, and large messages. */
export const streams: StreamsOption = {
  messages: streamMessages,
  createCaller: (options) => new CallerStreams(options),
  createCarriers: (pipe, createHost) => ({
    streams: new StreamTable("callee", createHost),
    parts: new PartSender(downPartType, pipe, () => Promise.resolve()),
  }),
};
