import {
  Caller,
  Deadlines,
  OutgoingCalls,
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
  const { clock = systemClock, maxFrameBytes, expose } = options;
  const transformer = readTransformer(transformerOption);
  const deadlines = new Deadlines(clock);
  const calls = new OutgoingCalls(maxFrameBytes);
  const connection = new Dialer(options, {
    calls,
    end: expose?.createEnd({ calls, clock, transformer: transformerOption, maxFrameBytes }) ?? calls,
    clock,
    deadlines,
    readError: (shape) => readError(shape, transformer),
  });
  return new Caller(connection, { calls, deadlines, transformer });
}
