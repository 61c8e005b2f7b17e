import { type Measurement, type Round, toRound } from "./measurement.ts";
import type { Options } from "./options.ts";
import { ProcessPair } from "./process-pair.ts";
import type { Workload } from "./workload.ts";

/** Memory hardly varies, and each round starts new processes. */
const memoryRounds = 3;

/** Called before each peer's turn. */
export type OnTurn = (workload: Workload, round: number, peer: string) => void;

/** Runs one workload with each peer in turn, round after round; another peer begins each round. */
export class Comparison {
  readonly #workload: Workload;
  readonly #options: Options;
  readonly #onTurn: OnTurn;
  readonly #rounds = new Map<string, Round[]>();
  readonly #failures = new Map<string, string>();
  readonly #pairs = new Map<string, ProcessPair>();

  constructor(workload: Workload, options: Options, onTurn: OnTurn) {
    this.#workload = workload;
    this.#options = options;
    this.#onTurn = onTurn;
  }

  async run(): Promise<Measurement> {
    const peers = this.#options.peers.filter((peer) => this.#workload.peers.includes(peer));
    const rounds =
      this.#workload.run === undefined ? Math.min(this.#options.rounds, memoryRounds) : this.#options.rounds;
    try {
      for (const peer of peers) await this.#attempt(peer, () => this.#prepare(peer));
      for (let round = 0; round < rounds; round++) {
        const first = round % peers.length;
        for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
          this.#onTurn(this.#workload, round, peer);
          await this.#attempt(peer, () => this.#measure(peer));
        }
      }
    } finally {
      for (const pair of this.#pairs.values()) await pair.stop();
    }
    return { workload: this.#workload.name, rounds: this.#rounds, failures: this.#failures };
  }

  /** A peer that fails is out of this workload; the others go on. */
  async #attempt(peer: string, act: () => Promise<void>): Promise<void> {
    if (this.#failures.has(peer)) return;
    try {
      await act();
    } catch (error) {
      this.#failures.set(peer, error instanceof Error ? error.message : String(error));
    }
  }

  #measure(peer: string): Promise<void> {
    return this.#workload.run === undefined ? this.#measureMemory(peer) : this.#measureWork(peer);
  }

  /** Memory is looked at in fresh processes: nothing to prepare. */
  async #prepare(peer: string): Promise<void> {
    if (this.#workload.run !== undefined) await this.#start(peer);
  }

  async #start(peer: string): Promise<void> {
    const { name, connections, nodeArgs } = this.#workload;
    const pair = await ProcessPair.start(
      peer,
      nodeArgs,
      this.#options.profileFolder && `${this.#options.profileFolder}/${name}/${peer}`,
    );
    this.#pairs.set(peer, pair);
    await pair.client.call("connect", { count: connections });
    await pair.client.call("run", { workload: name, durationMs: Math.max(1000, this.#options.durationMs) });
  }

  async #measureWork(peer: string): Promise<void> {
    const pair = this.#pairs.get(peer);
    if (pair === undefined) throw new Error("not started");
    const before = await pair.server.call("cpuUs");
    const sample = await pair.client.call("run", {
      workload: this.#workload.name,
      durationMs: this.#options.durationMs,
    });
    this.#add(peer, toRound(sample, (await pair.server.call("cpuUs")) - before));
  }

  async #measureMemory(peer: string): Promise<void> {
    const { connections } = this.#workload;
    const pair = await ProcessPair.start(peer);
    try {
      // What the first connections cost is the code's, not theirs.
      await pair.client.call("connect", { count: 50 });
      const before = await pair.server.call("rssBytes");
      await pair.client.call("connect", { count: connections });
      this.#add(peer, { rssKb: ((await pair.server.call("rssBytes")) - before) / connections / 1024 });
    } finally {
      await pair.stop();
    }
  }

  #add(peer: string, round: Round): void {
    this.#rounds.set(peer, [...(this.#rounds.get(peer) ?? []), round]);
  }
}
