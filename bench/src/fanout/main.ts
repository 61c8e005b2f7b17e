// What it costs the server to bring one event to many: a topic, next to `ws.send` of one string, in turns, in one process.
import { parseArgs } from "node:util";
import { quantile } from "../measurement.ts";
import { PinnedProcess } from "../pinned-process.ts";
import type { FanoutClientCommands, FanoutSample } from "./client.ts";
import type { FanoutPorts, FanoutServerCommands, FanoutSystem } from "./server.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    connections: { type: "string", default: "500,2000" },
    rounds: { type: "string", default: "40" },
    deliveries: { type: "string", default: "20000" },
    stalled: { type: "string", default: "1000" },
    assert: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const systems: readonly FanoutSystem[] = ["ws", "tautline"];
let good = true;

interface Pair {
  readonly server: PinnedProcess<FanoutServerCommands>;
  readonly client: PinnedProcess<FanoutClientCommands>;
}

async function withPair(act: (pair: Pair) => Promise<void>): Promise<void> {
  const server = await PinnedProcess.start<FanoutServerCommands>(0, "fanout/server.js");
  const { ws, tautline } = server.ready as FanoutPorts;
  const client = await PinnedProcess.start<FanoutClientCommands>(1, "fanout/client.js", `${ws}`, `${tautline}`);
  await act({ server, client });
  await client.stop();
  await server.stop();
}

/** Server CPU for each delivery, in µs. */
async function measureRound({ server, client }: Pair, system: FanoutSystem, connections: number): Promise<number> {
  const events = Math.max(1, Math.round(Number(values.deliveries) / connections));
  const before = await server.channel.call("cpuUs");
  await server.channel.call("publish", { system, events, everyMs: 0 });
  await client.channel.call("receive", { events: events * connections });
  return ((await server.channel.call("cpuUs")) - before) / (events * connections);
}

async function compare(connections: number, most: number): Promise<void> {
  await withPair(async (pair) => {
    const figures = new Map<FanoutSystem, number[]>(systems.map((system) => [system, []]));
    for (const system of systems) await pair.client.channel.call("connect", { system, count: connections });
    for (let round = -5; round < rounds; round++) {
      for (const system of round % 2 === 0 ? systems : [...systems].reverse()) {
        const cpuUs = await measureRound(pair, system, connections);
        if (round >= 0) figures.get(system)?.push(cpuUs);
      }
    }
    const quiet = (system: FanoutSystem, share: number): number =>
      quantile(
        (figures.get(system) ?? []).sort((a, b) => a - b),
        share,
      );
    const [ws, tautline] = [quiet("ws", 0.2), quiet("tautline", 0.2)];
    const ratio = tautline / ws;
    good &&= ratio <= most;
    console.log(
      `${connections} connections: server CPU for each delivery ${ws.toFixed(2)} µs by hand, ${tautline.toFixed(2)} µs ` +
        `from a topic: ${ratio.toFixed(3)}×, at most ${most}×: ${ratio <= most ? "holds" : "MISSED"} ` +
        `(${(quiet("tautline", 0.5) / quiet("ws", 0.5)).toFixed(3)}× by the medians)`,
    );
  });
}

/** One of many reads nothing: whether the others notice. */
async function measureStalled(connections: number): Promise<void> {
  const mostBytes = 4 * 2 ** 20;
  await withPair(async ({ server, client }) => {
    const deliver = async (events: number): Promise<FanoutSample> => {
      await server.channel.call("publish", { system: "tautline", events, everyMs: 20 });
      return client.channel.call("receive", { events: events * connections });
    };
    await client.channel.call("connect", { system: "tautline", count: connections });
    const free: number[] = [];
    const stalled: number[] = [];
    await deliver(100);
    for (let round = 0; round < 10; round++) free.push((await deliver(20)).p99Us);
    const before = await server.channel.call("memoryBytes");
    await client.channel.call("stall");
    for (let round = 0; round < 10; round++) stalled.push((await deliver(20)).p99Us);
    // More than the socket, the session and the topic keep for one.
    await server.channel.call("publish", { system: "tautline", events: 4000, everyMs: 1 });
    await client.channel.call("receive", { events: 4000 * connections });
    const grown = (await server.channel.call("memoryBytes")) - before;
    const of = (figures: number[]): number =>
      quantile(
        figures.sort((a, b) => a - b),
        0.2,
      );
    const ratio = of(stalled) / of(free);
    good &&= ratio <= 1.1 && grown <= mostBytes;
    console.log(
      `one of ${connections + 1} stalled: the others' p99 ${of(free).toFixed(0)} µs without it, ${of(stalled).toFixed(0)} µs ` +
        `with it: ${ratio.toFixed(3)}×, at most 1.1×: ${ratio <= 1.1 ? "holds" : "MISSED"}; ` +
        `memory grew by ${(grown / 2 ** 20).toFixed(2)} MiB, at most 4: ${grown <= mostBytes ? "holds" : "MISSED"}`,
    );
  });
}

console.log(`${rounds} rounds each, in turns; the quietest fifth of the rounds`);
for (const connections of values.connections.split(",").map(Number))
  if (connections > 0) await compare(connections, connections > 1000 ? 0.95 : 0.85);
if (Number(values.stalled) > 0) await measureStalled(Number(values.stalled));
if (values.assert && !good) process.exitCode = 1;
