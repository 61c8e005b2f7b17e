import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Balancer {
  readonly port: number;
  /** Ends its connections too. */
  close(): Promise<void>;
}

export interface BalancerOptions {
  readonly host: string;
  readonly port: number;
  /** The ports of this machine that listen now. */
  readonly targets: () => readonly number[];
}

/** Passes TCP connections on, each to the next of its targets; one that does not take it is passed over. */
export async function startBalancer({ host, port, targets }: BalancerOptions): Promise<Balancer> {
  const open = new Set<Socket>();
  let turn = 0;

  function pass(client: Socket, tries: number): void {
    const ports = targets();
    const target = ports[turn++ % ports.length];
    if (target === undefined || tries === 0) return void client.destroy();
    const upstream = connect({ host: "127.0.0.1", port: target, noDelay: true });
    const again = (): void => pass(client, tries - 1);
    upstream.once("error", again);
    upstream.once("connect", () => {
      upstream.off("error", again);
      join(client, upstream);
    });
  }

  const server = createServer({ noDelay: true }, (client) => {
    open.add(client);
    client.once("close", () => open.delete(client));
    // What broke shows in its closing; without a listener it would end the process.
    client.on("error", () => {});
    pass(client, targets().length);
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const client of open) client.destroy();
      await closed;
    },
  };
}

function join(client: Socket, upstream: Socket): void {
  upstream.on("error", () => {});
  upstream.once("close", () => client.destroy());
  if (client.destroyed) return void upstream.destroy();
  client.once("close", () => upstream.destroy());
  client.pipe(upstream).pipe(client);
}
