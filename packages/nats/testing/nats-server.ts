import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createFolder, freePort, isInstalled, ServerProcess } from "../../../tests/fixture/server-process.ts";

/** Another one can be named, to test with another version. */
const program = process.env["TAUTLINE_NATS_SERVER"] ?? "nats-server";

/** Whether this machine has a NATS to test with. */
export const hasNats: boolean = isInstalled(program);

/** A NATS with JetStream, on free ports of this machine and with a store of its own, that can be killed, paused and started again. */
export class NatsServer extends ServerProcess {
  readonly port: number;
  /** Where JetStream keeps what it stores. */
  readonly store: string;
  readonly #monitorPort: number;

  private constructor(port: number, monitorPort: number, folder: string) {
    const store = join(folder, "store");
    const args = ["-a", "127.0.0.1", "-p", `${port}`, "-m", `${monitorPort}`, "-js", "-sd", store];
    super({ program, args, folder, output: "stderr", ready: "Server is ready" });
    this.port = port;
    this.store = store;
    this.#monitorPort = monitorPort;
  }

  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), await freePort(), await createFolder("nats"));
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Has the store emptied, of a server that was killed. */
  async wipe(): Promise<void> {
    await rm(this.store, { recursive: true, force: true });
  }

  /** Does something to its streams, over a connection for this alone. */
  async manage<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: `127.0.0.1:${this.port}` });
    try {
      return await work(await jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  }

  /** Names of streams. */
  async streams(manager: JetStreamManager): Promise<string[]> {
    const names: string[] = [];
    for await (const name of manager.streams.names()) names.push(name);
    return names;
  }

  /** Has all streams deleted. */
  async flush(): Promise<void> {
    await this.manage(async (manager) => {
      for (const name of await this.streams(manager)) await manager.streams.delete(name);
    });
  }

  /** Subscriptions, its own among them. */
  async subscriptions(): Promise<number> {
    return ((await this.#monitor("subsz")) as { num_subscriptions: number }).num_subscriptions;
  }

  async consumers(): Promise<number> {
    return ((await this.#monitor("jsz")) as { consumers: number }).consumers;
  }

  /** What its process takes, in bytes. */
  async memory(): Promise<number> {
    return ((await this.#monitor("varz")) as { mem: number }).mem;
  }

  /** Subscriptions, consumers, and members of groups. */
  async entries(): Promise<number> {
    const members = await this.manage(async (manager) => {
      let messages = 0;
      for (const name of await this.streams(manager))
        if (name.includes("-lease-")) messages += (await manager.streams.info(name)).state.messages;
      return messages;
    });
    return (await this.subscriptions()) + (await this.consumers()) + members;
  }

  async #monitor(what: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#monitorPort}/${what}`, { headers: { connection: "close" } });
    return await response.json();
  }
}
