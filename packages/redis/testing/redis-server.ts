import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";

/** Whether this machine has a Redis to test with. */
export const hasRedis: boolean = isThere();

function isThere(): boolean {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Those that run. A worker that ends in the middle of a test leaves none behind. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const each of running) each.kill("SIGKILL");
});

/** A Redis of its own on a free port of this machine, that can be killed, paused and started again. Keeps nothing on disk by default. */
export class RedisServer {
  readonly port: number;
  /** For what tests ask of it themselves. Connects again when it is started again. */
  readonly client: Redis;
  readonly #folder: string;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined = undefined;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
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
    const folder = await mkdtemp(join(tmpdir(), "tautline-redis-"));
    const server = new RedisServer(await freePort(), folder, args);
    await server.start();
    await server.client.connect();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Again, after it was killed. */
  async start(): Promise<void> {
    const own = ["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.#folder, "--save", "", ...this.#args];
    const started = spawn("redis-server", own, { stdio: ["ignore", "pipe", "ignore"] });
    this.#process = started;
    running.add(started);
    started.once("exit", () => running.delete(started));
    for await (const line of createInterface(started.stdout)) if (line.includes("Ready to accept connections")) break;
    started.stdout.resume();
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

  /** It answers nothing any more, and its connections stay open: SIGSTOP. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#process?.kill("SIGCONT");
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

  async close(): Promise<void> {
    this.client.disconnect();
    await this.kill();
    await rm(this.#folder, { recursive: true });
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
