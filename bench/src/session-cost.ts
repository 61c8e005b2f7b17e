// What the session costs: Tautline as it is, next to the same without a session, in turns, in fresh processes each time.
import { parseArgs } from "node:util";
import { Comparison } from "./comparison.ts";
import { type Measurement, quantile, type Round } from "./measurement.ts";
import { sessionless } from "./peer-registry.ts";
import { findWorkload, type Metric } from "./workload.ts";

const withSession = "tautline";
const atMost = 1.1;

interface Figure {
  readonly workload: string;
  readonly metric: Metric;
  readonly name: string;
  readonly bound: boolean;
}

const figures: readonly Figure[] = [
  { workload: "pipe", metric: "serverCpuUs", name: "server CPU for each call, µs", bound: true },
  { workload: "seq", metric: "p50Us", name: "p50, µs", bound: true },
  { workload: "pipe", metric: "clientCpuUs", name: "client CPU for each call, µs", bound: false },
  { workload: "seq", metric: "serverCpuUs", name: "server CPU for each call, µs", bound: false },
  { workload: "many", metric: "serverCpuUs", name: "server CPU for each call, µs", bound: false },
];

/** JIT compilers decide differently from process to process: rounds of several starts are pooled. */
async function measure(workload: string, options: Options): Promise<Measurement> {
  const rounds = new Map<string, readonly Round[]>();
  for (let start = 0; start < options.starts; start++) {
    const peers = start % 2 === 0 ? [sessionless, withSession] : [withSession, sessionless];
    const comparison = new Comparison(
      findWorkload(workload),
      { ...options, peers, workloads: [workload], assert: false, profileFolder: undefined },
      () => {},
    );
    const measured = await comparison.run();
    for (const [peer, reason] of measured.failures) throw new Error(`${peer}: ${reason}`);
    for (const [peer, more] of measured.rounds) rounds.set(peer, [...(rounds.get(peer) ?? []), ...more]);
  }
  return { workload, rounds, failures: new Map() };
}

/** Prints one figure. Whether it is within its bound. */
function report({ workload, metric, name, bound }: Figure, measurement: Measurement): boolean {
  const without = readFigure(measurement, sessionless, metric);
  const with_ = readFigure(measurement, withSession, metric);
  const ratio = with_.quiet / without.quiet;
  const holds = !bound || ratio <= atMost;
  const verdict = bound ? `, at most ${atMost.toFixed(2)}×: ${holds ? "holds" : "MISSED"}` : "";
  console.log(
    `${findWorkload(workload).title}: ${name}: ${format(without)} without a session, ${format(with_)} with: ` +
      `${ratio.toFixed(3)}×${verdict} (${(with_.median / without.median).toFixed(3)}× by the medians)`,
  );
  return holds;
}

interface Reading {
  /** The upper end of the quietest fifth of the rounds. What else the machine does only ever adds. */
  readonly quiet: number;
  readonly median: number;
}

function readFigure({ rounds }: Measurement, peer: string, metric: Metric): Reading {
  const sorted = (rounds.get(peer) ?? []).map((round) => round[metric] ?? Number.NaN).sort((a, b) => a - b);
  return { quiet: quantile(sorted, 0.2), median: quantile(sorted, 0.5) };
}

function format({ quiet, median }: Reading): string {
  return `${quiet.toFixed(2)} (median ${median.toFixed(2)})`;
}

interface Options {
  readonly starts: number;
  readonly rounds: number;
  readonly durationMs: number;
}

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    starts: { type: "string", default: "4" },
    rounds: { type: "string", default: "60" },
    "duration-ms": { type: "string", default: "40" },
    workload: { type: "string", default: "pipe,seq,many" },
    assert: { type: "boolean", default: false },
  },
});
const options = {
  starts: Number(values.starts),
  rounds: Number(values.rounds),
  durationMs: Number(values["duration-ms"]),
};

console.log(
  `${options.starts} starts of ${options.rounds} rounds of ${options.durationMs} ms; the quietest fifth of the rounds`,
);
let good = true;
for (const workload of values.workload.split(",")) {
  const measurement = await measure(workload, options);
  for (const figure of figures.filter((candidate) => candidate.workload === workload)) {
    good = report(figure, measurement) && good;
  }
}
if (values.assert && !good) process.exitCode = 1;
