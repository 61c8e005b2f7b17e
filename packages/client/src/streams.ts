import { CallerStreams, type CallerStreamsOptions, type OutgoingStreams } from "@tautline/core/internals";

/** What carries streams in inputs and outputs. */
export type StreamsOption = (options: CallerStreamsOptions) => OutgoingStreams;

/** For `createClient({ streams })` and `tautlineLink`: carries the streams in inputs and outputs. */
export const streams: StreamsOption = (options) => new CallerStreams(options);
