import type { IncomingMessage } from "node:http";
import type { TRPCRequestInfo } from "@trpc/server/http";
import { requestUrl } from "./handshake.ts";

/** What contexts are told of a connection, in tRPC's shape. @param gone makes the signal, when it is read: a context seldom needs it. */
export function connectionInfo(
  request: IncomingMessage,
  connectionParams: TRPCRequestInfo["connectionParams"],
  gone: () => AbortSignal,
): TRPCRequestInfo {
  return {
    connectionParams,
    accept: null,
    type: "unknown",
    isBatchCall: false,
    calls: [],
    url: requestUrl(request),
    get signal() {
      return gone();
    },
  };
}
