import {
  type CallRuntime,
  Deadlines,
  OutgoingCalls,
  serverMessages,
  type TransformerOption,
  Values,
} from "@tautline/core/internals";
import { systemClock } from "./clock.ts";
import { Dialer } from "./dialer.ts";
import type { ConnectionOptions } from "./options.ts";

/** What calls a server's procedures over one connection. */
export interface Caller extends CallRuntime {
  readonly connection: Dialer;
}

/** What `createClient` and `tautlineLink` have in common. */
export function createCaller(options: ConnectionOptions, transformer: TransformerOption | undefined): Caller {
  const { clock = systemClock, streams, expose } = options;
  const values = new Values(transformer);
  const { binaryCodec } = values;
  const parts = {
    options,
    values,
    deadlines: new Deadlines(clock),
    reader: {
      table: { ...serverMessages, ...streams?.messages, ...expose?.messages },
      decodeBinary: binaryCodec?.decode,
    },
  };
  const calls =
    streams?.createCalls(parts) ?? new OutgoingCalls(options.maxFrameBytes, binaryCodec?.encodeInput, Date.now);
  const runtime = { ...parts, calls, end: expose?.createEnd(calls, parts) ?? calls };
  return { ...runtime, connection: new Dialer(runtime) };
}
