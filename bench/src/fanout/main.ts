// What it costs the server to bring one event to many: a topic, next to `ws.send` of one string, in turns, in one process.
import { parseArgs } from "node:util";
import { quantile } from "../measurement.ts";
import { PinnedProcess } from "../pinned-process.ts";
import type { FanoutClientCommands } from "./client.ts";
import type { FanoutPorts, FanoutServerCommands, FanoutSystem } from "./server.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    connections: { type: "string", default: "500,2000" },
    rounds: { type: "string", default: "24" },
    assert: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
/** In each round: each client acknowledges once, so that no round is without what that costs. */
const events = 128;
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
  const before = await server.channel.call("cpuUs");
  await server.channel.call("publish", { system, events, everyMs: 0 });
  await client.channel.call("receive", { events: events * connections });
  return ((await server.channel.call("cpuUs")) - before) / (events * connections);
}

async function compare(connections: number, most: number): Promise<void> {
  await withPair(async (pair) => {
    const figures = new Map<FanoutSystem, number[]>(systems.map((system) => [system, []]));
    for (const system of systems) await pair.client.channel.call("connect", { system, count: connections });
    for (let round = -3; round < rounds; round++) {
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

console.log(`${rounds} rounds of ${events} events each, in turns; the quietest fifth of the rounds`);
for (const connections of values.connections.split(",").map(Number))
  await compare(connections, connections > 1000 ? 0.95 : 0.85);
if (values.assert && !good) process.exitCode = 1;
