/**
 * Random schedules of calls and faults against the real client and the real server, in memory, in simulated time.
 *
 *   pnpm sim --schedules 100000          as many schedules, from --from (default 1) on, in --workers processes (default: all cores)
 *   pnpm sim --planted                   how many schedules each planted bug takes
 *   pnpm sim --seed 4712                 one of them, with a trace of everything; where it fails also the shortest that still does
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { plant } from "./plant.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { createSchedule } from "./random-schedule.ts";
import { simulate } from "./simulation.ts";
import { addTally, createTally, runSeeds, type Seeds, shorten, type Tally } from "./tally.ts";

const seedsPerJob = 500;
const workerMark = "TAUTLINE_SIM_WORKER";
const print = (line: string): boolean => process.stdout.write(`${line}\n`);

// What fails is found again by its seed: stacks cost a tenth of the time.
Error.stackTraceLimit = 0;

if (process.env[workerMark] === undefined) await main();
else process.on("message", (seeds: Seeds) => void runSeeds(seeds).then((tally) => process.send?.(tally)));

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((argument) => argument !== "--"),
    options: {
      schedules: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      workers: { type: "string", default: `${availableParallelism()}` },
      seed: { type: "string" },
      planted: { type: "boolean", default: false },
    },
  });
  if (values.seed !== undefined) return await showSeed(Number(values.seed));
  if (values.planted) return await showPlantedBugs();
  const [from, count, workers] = [Number(values.from), Number(values.schedules), Number(values.workers)];
  print(`seeds ${from} to ${from + count - 1}, ${workers} workers`);
  const started = performance.now();
  const tally = await runInWorkers({ from, count }, workers);
  printTally(tally, (performance.now() - started) / 1000);
  process.exitCode = tally.failures.length === 0 ? 0 : 1;
}

async function showPlantedBugs(): Promise<void> {
  for (const bug of plantedBugs) {
    const planted = await plant(bug);
    const { schedules, failures } = await planted.runSeeds({ from: 1, count: 5_000 }, 1);
    print(`${failures[0]?.violations[0]?.invariant ?? "not found"} after ${schedules} schedules: ${bug.name}`);
    if (failures.length === 0) process.exitCode = 1;
  }
}

async function showSeed(seed: number): Promise<void> {
  const schedule = createSchedule(seed);
  print(JSON.stringify(schedule.settings));
  const { violations } = await simulate(schedule, print);
  if (violations.length === 0) {
    print(`seed ${seed}: no violation`);
    return;
  }
  process.exitCode = 1;
  const short = await shorten(schedule);
  print(`\nthe shortest of it that still fails, ${short.steps.length} of ${schedule.steps.length} steps:`);
  await simulate(short, print);
}

/** Hands out seeds, a few hundred at a time, to whichever worker is free. */
async function runInWorkers({ from, count }: Seeds, workers: number): Promise<Tally> {
  const sum = createTally();
  let next = from;
  const job = (): Seeds | undefined => {
    if (next >= from + count) return undefined;
    const seeds = { from: next, count: Math.min(seedsPerJob, from + count - next) };
    next += seeds.count;
    return seeds;
  };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = fork(fileURLToPath(import.meta.url), { env: { ...process.env, [workerMark]: "1" } });
      const give = (): void => {
        const seeds = job();
        if (seeds === undefined) worker.disconnect();
        else worker.send(seeds);
      };
      worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
      worker.on("message", (tally: Tally) => {
        addTally(sum, tally);
        for (const { seed, violations } of tally.failures)
          print(`seed ${seed}: ${violations[0]?.invariant} ${violations[0]?.message}`);
        give();
      });
      give();
    });
  await Promise.all(Array.from({ length: workers }, work));
  return sum;
}

function printTally(
  { schedules, calls, items, events, snapshots, gaps, cuts, failures }: Tally,
  seconds: number,
): void {
  print(
    `${schedules} schedules, ${calls} calls, ${items} items, ${events} events of topics, ${snapshots} snapshots, ${gaps} gaps in ${seconds.toFixed(0)} s (${Math.round(schedules / seconds)} a second)`,
  );
  for (const [cut, count] of Object.entries(cuts))
    print(`${count} of them cut ${cut === "twice in a row" ? cut : `during ${cut}`}`);
  print(`${failures.length} violations of I1 to I18`);
  // With none in n, the rate is below 3/n with 95 % confidence.
  if (failures.length === 0) print(`rate below ${(3 / schedules).toExponential(1)}`);
}
