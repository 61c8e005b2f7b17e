import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Where a connection breaks: when so many bytes have passed in one direction. */
export interface Break {
  /** `up` is from the client to the server. */
  readonly direction: "up" | "down";
  readonly atByte: number;
  /** With a RST instead of a FIN. */
  readonly reset: boolean;
}

export interface BreakingProxy {
  readonly port: number;
  /** How many connections have been broken. */
  readonly broken: number;
  close(): Promise<void>;
}

/** Passes TCP connections on to a port of 127.0.0.1; the first ones break, one after the other, those after them do not. */
export async function startBreakingProxy(target: number, breaks: readonly Break[]): Promise<BreakingProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let broken = 0;
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    const planned = breaks[connections++];
    const end = (reset: boolean): void => {
      for (const socket of [client, upstream]) {
        sockets.delete(socket);
        if (reset) socket.resetAndDestroy();
        else socket.destroy();
      }
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => end(false));
      socket.once("close", () => end(false));
    }
    const onBreak = (reset: boolean): void => {
      broken++;
      end(reset);
    };
    pass(client, upstream, planned?.direction === "up" ? planned : undefined, onBreak);
    pass(upstream, client, planned?.direction === "down" ? planned : undefined, onBreak);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get broken() {
      return broken;
    },
    async close() {
      const closed = once(server.close(), "close");
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** What comes before the break arrives, the rest does not. */
function pass(from: Socket, to: Socket, planned: Break | undefined, onBreak: (reset: boolean) => void): void {
  let left = planned?.atByte ?? Number.POSITIVE_INFINITY;
  from.on("data", (data) => {
    if (planned === undefined || data.length < left) {
      left -= data.length;
      to.write(data);
    } else if (left >= 0) {
      const rest = data.subarray(0, left);
      left = -1;
      to.write(rest, () => onBreak(planned.reset));
    }
  });
}
