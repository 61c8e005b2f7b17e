// A small query beside bulk: how long it takes on an idle socket, and while bytes go up and down over the same.
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { quantile } from "../measurement.ts";
import { applicationHeap, PinnedProcess } from "../pinned-process.ts";
import type { MixedClientCommands, MixedSample } from "./client.ts";
import type { MixedServerCommands } from "./server.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    // Up, and as much down; in each round.
    mb: { type: "string", default: "200" },
    rounds: { type: "string", default: "7" },
    "idle-ms": { type: "string", default: "1000" },
    assert: { type: "boolean", default: false },
  },
});
const bytes = Number(values.mb) * 1e6;
const rounds = Number(values.rounds);
const durationMs = Number(values["idle-ms"]);
const atMost = 3;

const server = await PinnedProcess.startWith<MixedServerCommands>(applicationHeap, 0, "mixed/server.js", "serve");
const client = await PinnedProcess.startWith<MixedClientCommands>(
  applicationHeap,
  1,
  "mixed/client.js",
  String(server.ready),
);

interface Round {
  readonly idle: MixedSample;
  readonly loaded: MixedSample;
  readonly serverCpuMs: number;
}

async function measure(): Promise<Round> {
  const idle = await client.channel.call("idle", { durationMs });
  const before = await server.channel.call("cpuMs");
  const loaded = await client.channel.call("loaded", { bytes });
  return { idle, loaded, serverCpuMs: (await server.channel.call("cpuMs")) - before };
}

const us = (value: number): string => `${Math.round(value)} µs`;

function describe({ idle, loaded, serverCpuMs }: Round): string {
  const at = ({ latenciesUs }: MixedSample): string =>
    `p50 ${us(quantile(latenciesUs, 0.5))}, p99 ${us(quantile(latenciesUs, 0.99))} (${latenciesUs.length} queries)`;
  const mbs = (2 * bytes) / 1e3 / loaded.durationMs;
  return (
    `idle: ${at(idle)}; loaded: ${at(loaded)}, ${mbs.toFixed(0)} MB/s both ways together; ` +
    `CPU ms: server ${serverCpuMs.toFixed(0)}, client ${loaded.cpuMs.toFixed(0)}`
  );
}

const median = (figures: readonly number[]): number =>
  quantile(
    [...figures].sort((a, b) => a - b),
    0.5,
  );
const p99 = ({ latenciesUs }: MixedSample): number => quantile(latenciesUs, 0.99);

// What is compiled on the way is not the figure's.
await measure();
console.log(
  `${values.mb} MB up and ${values.mb} MB down in each of ${rounds} rounds; load average ${loadavg()[0]?.toFixed(1)}`,
);
const measured: Round[] = [];
for (let round = 0; round < rounds; round++) {
  const one = await measure();
  measured.push(one);
  console.log(`  ${describe(one)}`);
}
for (const process of [client, server]) await process.stop();

const ratio = median(measured.map(({ idle, loaded }) => p99(loaded) / p99(idle)));
const holds = ratio <= atMost;
console.log(
  `p99 of a small query beside bulk: ${us(median(measured.map(({ loaded }) => p99(loaded))))}, ` +
    `on the idle socket ${us(median(measured.map(({ idle }) => p99(idle))))}: ` +
    `${ratio.toFixed(2)}× (median of the rounds' ratios), at most ${atMost}×: ${holds ? "holds" : "MISSED"}`,
);
if (values.assert && !holds) process.exitCode = 1;
