import type { TautlineError } from "@tautline/core";
import {
  Caller,
  Deadlines,
  OutgoingCalls,
  readBinaryCodec,
  readError,
  readTransformer,
  serverMessages,
  type TransformerOption,
  windowBytes,
} from "@tautline/core/internals";
import { systemClock } from "./clock.ts";
import { Dialer } from "./dialer.ts";
import type { ConnectionOptions } from "./options.ts";

/** Calls a server's procedures over one connection: what `createClient` and `tautlineLink` have in common. */
export function createCaller(
  options: ConnectionOptions,
  transformerOption: TransformerOption | undefined,
): Caller<Dialer> {
  const { clock = systemClock, maxFrameBytes, expose } = options;
  const transformer = readTransformer(transformerOption);
  const codec = readBinaryCodec(transformer);
  const deadlines = new Deadlines(clock);
  const readShape = (shape: unknown): TautlineError => readError(shape, transformer);
  const { maxMessageBytes, streamWindowBytes = windowBytes } = options;
  const calls =
    options.streams?.createCalls({
      transformer,
      readError: readShape,
      maxMessageBytes,
      windowBytes: streamWindowBytes,
    }) ?? new OutgoingCalls(maxFrameBytes, codec?.encodeInput);
  const connection = new Dialer({
    options,
    calls,
    end:
      expose?.createEnd({
        calls,
        clock,
        transformer: transformerOption,
        limits: options,
        readError: readShape,
        streams: options.streams,
      }) ?? calls,
    deadlines,
    readError: readShape,
    reader: {
      table: { ...serverMessages, ...options.streams?.messages, ...expose?.messages },
      decodeBinary: codec?.decode,
    },
  });
  return new Caller(connection, { calls, deadlines, transformer });
}
