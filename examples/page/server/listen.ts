import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Listens on `port`, or on a free one where it is taken, and gives the port. */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    server.listen(0, host);
    await once(server, "listening");
  }
  return (server.address() as AddressInfo).port;
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
