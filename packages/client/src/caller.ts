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
} from "@tautline/core/internals";
import { systemClock } from "./clock.ts";
import { Dialer } from "./dialer.ts";
import type { ConnectionOptions } from "./options.ts";

/** Calls a server's procedures over one connection: what `createClient` and `tautlineLink` have in common. */
export function createCaller(
  options: ConnectionOptions,
  transformerOption: TransformerOption | undefined,
): Caller<Dialer> {
  const { clock = systemClock, streams, expose } = options;
  const transformer = readTransformer(transformerOption);
  const codec = readBinaryCodec(transformer);
  const runtime = {
    options,
    transformer,
    deadlines: new Deadlines(clock),
    readError: (shape: unknown): TautlineError => readError(shape, transformer),
    reader: {
      table: { ...serverMessages, ...streams?.messages, ...expose?.messages },
      decodeBinary: codec?.decode,
    },
  };
  const calls = streams?.createCalls(runtime) ?? new OutgoingCalls(options.maxFrameBytes, codec?.encodeInput);
  const connection = new Dialer({ ...runtime, calls, end: expose?.createEnd(calls, runtime) ?? calls });
  return new Caller(connection, { ...runtime, calls });
}
