import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** Another one can be named, to test with another version. */
const program = process.env["TAUTLINE_NATS_SERVER"] ?? "nats-server";

/** Whether this machine has a NATS to test with. */
export const hasNats: boolean = isThere();

function isThere(): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A NATS with JetStream, on free ports of this machine and with a store of its own, that can be killed, paused and started again. */
export class NatsServer {
  readonly port: number;
  readonly #monitorPort: number;
  readonly #folder: string;
  #process: ChildProcess | undefined = undefined;

  private constructor(port: number, monitorPort: number, folder: string) {
    this.port = port;
    this.#monitorPort = monitorPort;
    this.#folder = folder;
  }

  static async start(): Promise<NatsServer> {
    const folder = await mkdtemp(join(tmpdir(), "tautline-nats-"));
    const server = new NatsServer(await freePort(), await freePort(), folder);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Of its process; undefined while it is killed. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Where JetStream keeps what it stores. */
  get store(): string {
    return join(this.#folder, "store");
  }

  /** Again, after it was killed. */
  async start(): Promise<void> {
    const args = ["-a", "127.0.0.1", "-p", `${this.port}`, "-m", `${this.#monitorPort}`, "-js", "-sd", this.store];
    const started = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = started;
    for await (const line of createInterface(started.stderr)) if (line.includes("Server is ready")) break;
    started.stderr.resume();
  }

  /** Ends it without a word: SIGKILL. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined) return;
    const closed = once(running, "close");
    running.kill("SIGKILL");
    await closed;
  }

  /** Has the store emptied, of a server that was killed. */
  async wipe(): Promise<void> {
    await rm(this.store, { recursive: true, force: true });
  }

  /** It answers nothing any more, and its connections stay open: SIGSTOP. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#process?.kill("SIGCONT");
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

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }

  async #monitor(what: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#monitorPort}/${what}`, { headers: { connection: "close" } });
    return await response.json();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
