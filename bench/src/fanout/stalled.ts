// One of many subscribers reads nothing: whether the others notice, and what it costs the server.
import { parseArgs } from "node:util";
import { quantile } from "../measurement.ts";
import { PinnedProcess } from "../pinned-process.ts";
import type { FanoutClientCommands } from "./client.ts";
import type { FanoutPorts, FanoutServerCommands } from "./server.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    connections: { type: "string", default: "1000" },
    rounds: { type: "string", default: "60" },
    assert: { type: "boolean", default: false },
  },
});
const connections = Number(values.connections);
const rounds = Number(values.rounds);
/** What may be kept for one: `replayBytes`, `highWaterBytes`, and the topic's `buffer.maxBytes`. */
const limits = { ratio: 1.1, bytes: 3 * 2 ** 20 };
/** More than credit lets through, and than the topic keeps for who is behind. */
const backlogEvents = 4_000;

/** A server with its clients, of which one may be stalled. */
class World {
  /** Of each round. */
  readonly p99sUs: number[] = [];
  readonly #server: PinnedProcess<FanoutServerCommands>;
  readonly #client: PinnedProcess<FanoutClientCommands>;

  private constructor(server: PinnedProcess<FanoutServerCommands>, client: PinnedProcess<FanoutClientCommands>) {
    this.#server = server;
    this.#client = client;
  }

  static async start(): Promise<World> {
    const server = await PinnedProcess.start<FanoutServerCommands>(0, "fanout/server.js");
    const { ws, tautline } = server.ready as FanoutPorts;
    const client = await PinnedProcess.start<FanoutClientCommands>(1, "fanout/client.js", `${ws}`, `${tautline}`);
    return new World(server, client);
  }

  /** One subscribes, and reads nothing. */
  stall(): Promise<void> {
    return this.#client.channel.call("stall");
  }

  /** How much the server's memory grows by what is kept of many events, in bytes. */
  async fill(): Promise<number> {
    const before = await this.#server.channel.call("memoryBytes");
    await this.#server.channel.call("publish", { system: "tautline", events: backlogEvents, everyMs: 0 });
    return (await this.#server.channel.call("memoryBytes")) - before;
  }

  connect(): Promise<void> {
    return this.#client.channel.call("connect", { system: "tautline", count: connections });
  }

  async round(): Promise<void> {
    this.p99sUs.push((await this.#deliver(20, 50)).p99Us);
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    await this.#server.stop();
  }

  async #deliver(events: number, everyMs: number): Promise<{ readonly p99Us: number }> {
    await this.#server.channel.call("publish", { system: "tautline", events, everyMs });
    return await this.#client.channel.call("receive", { events: events * connections });
  }
}

const free = await World.start();
const stalled = await World.start();
await stalled.stall();
const grown = { free: await free.fill(), stalled: await stalled.fill() };
for (const world of [free, stalled]) await world.connect();
for (let round = 0; round < 3; round++) for (const world of [free, stalled]) await world.round();
for (const world of [free, stalled]) world.p99sUs.length = 0;
for (let round = 0; round < rounds; round++) {
  for (const world of round % 2 === 0 ? [free, stalled] : [stalled, free]) await world.round();
}
for (const world of [free, stalled]) await world.stop();

/** The quietest fifth of the rounds: what else the machine does only ever adds. */
const quiet = ({ p99sUs }: World, share = 0.2): number =>
  quantile(
    [...p99sUs].sort((a, b) => a - b),
    share,
  );
const ratio = quiet(stalled) / quiet(free);
const kept = grown.stalled - grown.free;
const isQuick = ratio <= limits.ratio;
const isSmall = kept <= limits.bytes;
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
console.log(
  `${rounds} rounds each, in turns; p99 of the deliveries to ${connections} that read: ${quiet(free).toFixed(0)} µs without a ` +
    `stalled one, ${quiet(stalled).toFixed(0)} µs with one: ${ratio.toFixed(3)}× (${(quiet(stalled, 0.5) / quiet(free, 0.5)).toFixed(3)}× ` +
    `by the medians), at most ${limits.ratio}×: ${isQuick ? "holds" : "MISSED"}`,
);
console.log(
  `kept for it after ${backlogEvents} events: ${mebibytes(kept)} (${mebibytes(grown.stalled)} with it, ${mebibytes(grown.free)} ` +
    `without), at most ${mebibytes(limits.bytes)}: ${isSmall ? "holds" : "MISSED"}`,
);
if (values.assert && !(isQuick && isSmall)) process.exitCode = 1;
