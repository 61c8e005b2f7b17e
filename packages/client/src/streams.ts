import {
  type CallCarriers,
  defaultMaxWindowBytes,
  downPartType,
  type MessagePipe,
  type MessageTable,
  type OutgoingCalls,
  PacedSession,
  PartSender,
  type Session,
  type StreamHost,
  StreamingCalls,
  StreamTable,
  streamMessages,
  type Values,
} from "@tautline/core/internals";
import { systemClock } from "./clock.ts";
import { type ClientClock, turningClock } from "./turn.ts";

/** What of a client its streams are made from. */
export interface StreamParts {
  readonly values: Values;
  readonly options: {
    readonly maxMessageBytes?: number;
    readonly streamWindowBytes?: number;
    readonly clock?: ClientClock;
  };
}

/** What carries streams in inputs and outputs, and large messages. */
export interface StreamsOption {
  /** What comes besides. */
  readonly messages: MessageTable;
  /** What goes over connections: producers wait for it. */
  readonly Session: typeof Session;
  /** The calls that the client makes. */
  createCalls(parts: StreamParts): OutgoingCalls;
  /** Those of the calls that the server makes. */
  createCarriers(pipe: MessagePipe, host: StreamHost): CallCarriers;
}

/** For `createClient({ streams })` and `tautlineLink`: carries the streams in inputs and outputs, and large messages. */
export const streams: StreamsOption = {
  messages: streamMessages,
  Session: PacedSession,
  createCalls: ({ values, options }) =>
    new StreamingCalls({
      values,
      maxMessageBytes: options.maxMessageBytes,
      clock: turningClock(options.clock ?? systemClock),
      windowBytes: options.streamWindowBytes ?? defaultMaxWindowBytes,
      timeOfDay: Date.now,
    }),
  createCarriers: (pipe, host) => {
    const table = new StreamTable("callee", () => host);
    return { streams: table, parts: new PartSender(downPartType, pipe, host.clock, table) };
  },
};
