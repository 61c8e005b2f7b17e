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
/** With 2,000 connections; with fewer as many more, so that as much is delivered. */
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

/** Where a process has its memory makes a few per cent: one pair alone would be one throw of the dice. */
const pairs = 3;

async function compare(connections: number, most: number): Promise<void> {
  const figures: Record<FanoutSystem, number[]> = { ws: [], tautline: [] };
  for (let count = 0; count < pairs; count++) await withPair((pair) => measurePair(pair, connections, figures));
  report(connections, most, figures);
}

async function measurePair(pair: Pair, connections: number, figures: Record<FanoutSystem, number[]>): Promise<void> {
  for (const system of systems) await pair.client.channel.call("connect", { system, count: connections });
  const scale = 2000 / connections;
  for (let round = -4 * scale; round < (rounds * scale) / pairs; round++) {
    for (const system of round % 2 === 0 ? systems : [...systems].reverse()) {
      const cpuUs = await measureRound(pair, system, connections);
      if (round >= 0) figures[system].push(cpuUs);
    }
  }
}

function median(figures: readonly number[]): number {
  return quantile(
    [...figures].sort((a, b) => a - b),
    0.5,
  );
}

/** The machine's pace changes from round to round, less so between two that follow each other: those are compared. */
function report(connections: number, most: number, { ws, tautline }: Record<FanoutSystem, readonly number[]>): void {
  const ratios = tautline.map((cpuUs, round) => cpuUs / (ws[round] ?? Number.NaN));
  const ratio = median(ratios);
  good &&= ratio <= most;
  console.log(
    `${connections} connections: server CPU for each delivery ${median(ws).toFixed(2)} µs by hand, ` +
      `${median(tautline).toFixed(2)} µs from a topic: ${ratio.toFixed(3)}× in two rounds that follow each other, ` +
      `at most ${most}×: ${ratio <= most ? "holds" : "MISSED"} ` +
      `(${(median(tautline) / median(ws)).toFixed(3)}× by the medians of all)`,
  );
}

console.log(
  `${rounds} rounds for 2,000 connections, more for fewer, of ${events} events each, in turns, at ${pairs} pairs of processes; medians`,
);
for (const connections of values.connections.split(",").map(Number))
  await compare(connections, connections > 1000 ? 0.95 : 0.85);
if (values.assert && !good) process.exitCode = 1;
