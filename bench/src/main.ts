// The comparison: each workload with each peer, then the tables and what they say of the targets.
import { Comparison } from "./comparison.ts";
import { readHotSpots } from "./hot-spots.ts";
import type { Measurement } from "./measurement.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { formatMeasurement, formatSummary } from "./report.ts";
import { judgeTargets } from "./target.ts";
import { findWorkload, type Workload } from "./workload.ts";

function reportTurn({ name }: Workload, round: number, peer: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2K${name}, round ${round + 1}, ${peer}`);
}

async function measure(options: Options): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const name of options.workloads) {
    const measurement = await new Comparison(findWorkload(name), options, reportTurn).run();
    if (process.stderr.isTTY) process.stderr.write("\r\u001B[2K");
    console.log(formatMeasurement(measurement, options.peers));
    measurements.push(measurement);
  }
  return measurements;
}

async function printHotSpots({ profileFolder, workloads, peers }: Options): Promise<void> {
  for (const { name, peers: able } of workloads.map(findWorkload).filter(({ run }) => run !== undefined)) {
    for (const peer of peers.filter((candidate) => able.includes(candidate))) {
      for (const side of ["server", "client"]) {
        console.log(`#### ${name}, ${peer}, ${side}\n`);
        console.log(`${await readHotSpots(`${profileFolder}/${name}/${peer}/${side}.cpuprofile`, 25)}\n`);
      }
    }
  }
}

/** Whether all went well: no peer failed, and no target was missed. */
function judge(measurements: readonly Measurement[]): boolean {
  const verdicts = judgeTargets(measurements);
  console.log(["### Targets", "", ...verdicts.map(({ text }) => `- ${text}`), ""].join("\n"));
  return verdicts.every(({ holds }) => holds !== false) && measurements.every(({ failures }) => failures.size === 0);
}

/** Whether all went well. */
async function compare(options: Options): Promise<boolean> {
  const measurements = await measure(options);
  console.log(formatSummary(measurements, options.peers));
  if (options.profileFolder !== undefined) await printHotSpots(options);
  return judge(measurements);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(usage);
  else if (!(await compare(options)) && options.assert) process.exitCode = 1;
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
