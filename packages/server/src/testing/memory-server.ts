import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { plainFrame } from "@tautline/core/internals";
import type { MemoryNetwork } from "@tautline/core/testing";
import type { AnyTRPCRouter } from "@trpc/server";
import { Acceptor } from "../acceptor.ts";
import { defaultDrainMs, type ServeOptions } from "../options.ts";

/** As for `serve`, with a network in the place of a port. */
export type MemoryServerOptions<Router extends AnyTRPCRouter> = Omit<
  ServeOptions<Router>,
  "port" | "host" | "server" | "path" | "allowedOrigins" | "requireOrigin"
> & {
  readonly network: MemoryNetwork;
  /** Where clients connect to. Default `ws://memory/`. */
  readonly url?: string;
};

/** A server on a network in memory. */
export interface MemoryServer {
  readonly url: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Sessions without a connection that are kept for a resume. */
  readonly parkedSessions: number;
  /** What they keep, in UTF-16 units. */
  readonly parkedLength: number;
  /** As that of `serve`. Resolves when the network's time has passed as far as it needs. */
  close(options?: { drainMs?: number }): Promise<void>;
}

/**
 * Serves a router on a network in memory: the same code as `serve`, without HTTP and without `ws`. For tests of handlers, also under
 * faults, in time that is the test's own; see `MemoryNetwork` in `@tautline/core/testing`.
 */
export function createMemoryServer<Router extends AnyTRPCRouter>({
  network,
  url = "ws://memory/",
  ...options
}: MemoryServerOptions<Router>): MemoryServer {
  // What `Omit` made of the options' two forms is one of them.
  const acceptor = new Acceptor(options as unknown as ServeOptions<AnyTRPCRouter>, network.clock);
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = new URL(url).pathname;
  request.headers = { host: new URL(url).host };
  const unlisten = network.listen(url, (socket) => {
    acceptor.accept(
      {
        send: (frame) => socket.send(plainFrame(frame)),
        close: (code, reason) => socket.close(code, reason),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        terminate: () => socket.terminate(),
        drained: () => socket.drained(),
        get taken() {
          return socket.taken;
        },
        listen: (events) => socket.listen(events),
      },
      request,
    );
  });
  return {
    url,
    get connections() {
      return acceptor.connections;
    },
    get parkedSessions() {
      return acceptor.parkedSessions;
    },
    get parkedLength() {
      return acceptor.parkedLength;
    },
    close: ({ drainMs = defaultDrainMs } = {}) => {
      unlisten();
      return acceptor.close(drainMs);
    },
  };
}
