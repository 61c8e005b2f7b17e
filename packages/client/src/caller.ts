import {
  Caller,
  Deadlines,
  OutgoingCalls,
  readBinaryDecoder,
  readError,
  readTransformer,
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
  const transformer = readTransformer(transformerOption);
  const clock = options.clock ?? systemClock;
  const deadlines = new Deadlines(clock);
  const calls = new OutgoingCalls(options.maxFrameBytes);
  const connection = new Dialer(options, {
    calls,
    clock,
    deadlines,
    readError: (shape) => readError(shape, transformer),
    decodeBinary: readBinaryDecoder(transformer),
  });
  return new Caller(connection, { calls, deadlines, transformer });
}
