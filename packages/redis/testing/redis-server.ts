import { Redis } from "ioredis";
import { createFolder, freePort, isInstalled, ServerProcess } from "../../../tests/fixture/server-process.ts";

/** Whether this machine has a Redis to test with. */
export const hasRedis: boolean = isInstalled("redis-server");

/** A Redis of its own on a free port of this machine, that can be killed, paused and started again. Keeps nothing on disk by default. */
export class RedisServer extends ServerProcess {
  readonly port: number;
  /** For what tests ask of it themselves. Connects again when it is started again. */
  readonly client: Redis;

  private constructor(port: number, folder: string, args: readonly string[]) {
    const own = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...args];
    super({ program: "redis-server", args: own, folder, output: "stdout", ready: "Ready to accept connections" });
    this.port = port;
    this.client = new Redis({
      port,
      host: "127.0.0.1",
      lazyConnect: true,
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    });
    // While it is killed.
    this.client.on("error", () => {});
  }

  /** @param args of the program: `--appendonly yes`, say. */
  static async start(...args: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await createFolder("redis"), args);
    await server.start();
    await server.client.connect();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Empties it. */
  async flush(): Promise<void> {
    await this.client.flushall();
  }

  /** Keys, channels and whoever listens to them; `client` left out. */
  async entries(): Promise<number> {
    const channels = (await this.client.pubsub("CHANNELS")) as string[];
    const listeners =
      channels.length === 0 ? [] : ((await this.client.pubsub("NUMSUB", ...channels)) as (string | number)[]);
    const keys = await this.client.keys("*");
    // One small hash for each of 1,024 shards, whatever is in it.
    const logs = keys.filter((key) => !/^[^{}]*\{\d+\}$/.test(key));
    return (
      logs.length +
      channels.length +
      listeners.reduce<number>((sum, each) => sum + (typeof each === "number" ? each : 0), 0)
    );
  }

  /** How many are connected besides `client`. */
  async connections(): Promise<number> {
    return (await this.#clients()).length - 1;
  }

  /** How many channels they listen to. */
  async subscriptions(): Promise<number> {
    return (await this.#clients()).reduce((sum, line) => sum + Number(/ sub=(\d+)/.exec(line)?.[1]), 0);
  }

  async #clients(): Promise<string[]> {
    return String(await this.client.client("LIST"))
      .trim()
      .split("\n");
  }

  override async close(): Promise<void> {
    this.client.disconnect();
    await super.close();
  }
}
