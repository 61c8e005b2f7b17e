import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Balancer, startBalancer } from "../../examples/cluster/balancer.ts";
import { NodeProcess } from "../../examples/cluster/node-process.ts";
import { type BundledProgram, bundleProgram } from "../fixture/bundled-program.ts";
import { RedisServer } from "../fixture/redis-server.ts";
import type { ClientsCommand } from "./clients.ts";
import { judge, type Verdict } from "./judge.ts";
import { Log, readLogs } from "./log.ts";

export interface ClusterOptions {
  readonly clients: number;
  /** In so many processes. */
  readonly processes: number;
  readonly trafficMs: number;
  readonly kills: number;
  /** How long a node stays dead before it is started again. */
  readonly deadMs: number;
  /** How long a client waits between two calls, on average. */
  readonly callEveryMs: number;
  /** Of the store of mutations. */
  readonly leaseMs: number;
  readonly keys: readonly string[];
  readonly onProgress?: (what: string) => void;
}

const nodeCount = 3;
/** For everybody to have everything, when nothing is killed any more. */
const settleMs = 60_000;

/** Three nodes behind a balancer, one Redis, and clients; nodes are killed in the middle of traffic, and all that is known is judged. */
export async function runCluster(options: ClusterOptions): Promise<Verdict> {
  const cluster = await Cluster.start(options);
  try {
    await cluster.run();
    return cluster.judge();
  } finally {
    await cluster.close();
  }
}

class Cluster {
  readonly #options: ClusterOptions;
  readonly #folder: string;
  readonly #redis: RedisServer;
  readonly #programs: readonly BundledProgram[];
  readonly #log: Log;
  readonly #nodes: readonly NodeProcess[];
  readonly #lives: number[] = [];
  readonly #logs: string[] = [];
  #balancer: Balancer | undefined = undefined;
  #clients: readonly Clients[] = [];

  private constructor(
    options: ClusterOptions,
    folder: string,
    redis: RedisServer,
    programs: readonly [BundledProgram, BundledProgram],
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#redis = redis;
    this.#programs = programs;
    this.#log = new Log(this.#logPath("cluster"));
    const args = [redis.url, this.#logPath("nodes"), String(options.leaseMs)];
    this.#nodes = Array.from(
      { length: nodeCount },
      () => new NodeProcess({ path: programs[0].path, args, execArgv: [] }),
    );
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), "tautline-cluster-"));
    const programs = [await bundleProgram("../cluster/node.ts"), await bundleProgram("../cluster/clients.ts")] as const;
    const cluster = new Cluster(options, folder, await RedisServer.start(), programs);
    try {
      await cluster.#open();
      return cluster;
    } catch (thrown) {
      await cluster.close();
      throw thrown;
    }
  }

  async run(): Promise<void> {
    await this.#all({ do: "follow" });
    this.#tell(`${this.#options.clients} clients follow`);
    await this.#all({ do: "call" });
    await this.#killSome();
    await this.#all({ do: "stop" });
    this.#tell("all calls are settled");
    const events = (await this.#clients[0]?.tell({ do: "last" })) as Record<string, string>;
    await this.#all({ do: "until", events, withinMs: settleMs });
    await this.#all({ do: "close" });
  }

  judge(): Verdict {
    return judge(readLogs(this.#logs), this.#options.leaseMs);
  }

  async close(): Promise<void> {
    for (const clients of this.#clients) await clients.end();
    for (const node of this.#nodes) await node.kill();
    await this.#balancer?.close();
    await this.#redis.close();
    this.#log.close();
    for (const program of this.#programs) await program.remove();
    await rm(this.#folder, { recursive: true });
  }

  async #open(): Promise<void> {
    const { clients, processes, keys, callEveryMs } = this.#options;
    await Promise.all(this.#nodes.map((_, index) => this.#startNode(index)));
    const targets = (): number[] => this.#nodes.flatMap(({ port }) => port ?? []);
    this.#balancer = await startBalancer({ host: "127.0.0.1", port: 0, targets });
    const url = `ws://127.0.0.1:${this.#balancer.port}`;
    const share = Math.ceil(clients / processes);
    this.#clients = await Promise.all(
      Array.from({ length: processes }, (_, index) =>
        Clients.start(this.#programs[1]?.path ?? "", [
          url,
          this.#logPath(`clients-${index}`),
          String(index * share),
          String(Math.min(clients, (index + 1) * share)),
          keys.join(),
          String(callEveryMs),
        ]),
      ),
    );
  }

  /** One after the other, at even times; each is started again while traffic goes on. */
  async #killSome(): Promise<void> {
    const { kills, trafficMs, deadMs } = this.#options;
    const everyMs = trafficMs / (kills + 1);
    const startAgain: Promise<void>[] = [];
    await pass(everyMs);
    for (let kill = 0; kill < kills; kill++) {
      const index = kill % nodeCount;
      await startAgain[kill - nodeCount];
      await this.#kill(index);
      startAgain.push(pass(deadMs).then(() => this.#startNode(index)));
      await pass(everyMs);
    }
    await Promise.all(startAgain);
  }

  async #startNode(index: number): Promise<void> {
    const life = (this.#lives[index] ?? 0) + 1;
    this.#lives[index] = life;
    const node = `${index + 1}/${life}`;
    await this.#nodes[index]?.start(node);
    this.#log.write({ type: "started", node });
  }

  async #kill(index: number): Promise<void> {
    const node = `${index + 1}/${this.#lives[index]}`;
    this.#tell(`node ${node} is killed`);
    this.#log.write({ type: "killed", node });
    await this.#nodes[index]?.kill();
  }

  async #all(command: ClientsCommand): Promise<void> {
    await Promise.all(this.#clients.map((clients) => clients.tell(command)));
  }

  #logPath(name: string): string {
    const path = join(this.#folder, `${name}.log`);
    this.#logs.push(path);
    return path;
  }

  #tell(what: string): void {
    this.#options.onProgress?.(what);
  }
}

/** A process of clients. */
class Clients {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(path: string, args: readonly string[]): Promise<Clients> {
    const clients = new Clients(fork(path, [...args], { execArgv: [] }));
    await clients.#answer();
    return clients;
  }

  async tell(command: ClientsCommand): Promise<unknown> {
    const answer = this.#answer();
    this.#child.send(command);
    return await answer;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill();
    await ended;
  }

  async #answer(): Promise<unknown> {
    const ended = once(this.#child, "exit").then(() => [{ failed: "the process of clients has ended" }]);
    const [answer] = (await Promise.race([once(this.#child, "message"), ended])) as [
      { done?: unknown; failed?: string },
    ];
    if (answer.failed !== undefined) throw new Error(answer.failed);
    return answer.done;
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
