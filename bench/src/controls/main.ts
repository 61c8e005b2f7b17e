// The same calls through the same breaking connections, with Tautline and with others, judged by the same invariants.
import { parseArgs } from "node:util";
import { invariants } from "@tautline/core/testing";
import { type Outcome, runSchedule } from "./schedule.ts";
import { createSocketIoSystem } from "./socket-io-system.ts";
import type { System } from "./system.ts";
import { tautlineSystem } from "./tautline-system.ts";
import { trpcSystem } from "./trpc-system.ts";

const systems: readonly System[] = [tautlineSystem, trpcSystem, createSocketIoSystem(0), createSocketIoSystem(3)];
const atOnce = 10;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    schedules: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    system: { type: "string" },
    assert: { type: "boolean", default: false },
  },
});

async function runSchedules(system: System, first: number, count: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let seed = first;
  const work = async (): Promise<void> => {
    while (seed < first + count) outcomes.push(await runSchedule(system, seed++));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

function report({ name }: System, outcomes: readonly Outcome[]): void {
  const sum = (key: "breaks" | "calls" | "failed" | "failedThoughStarted"): number =>
    outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const bad = outcomes.filter(({ violations }) => violations.size > 0).length;
  console.log(
    `${name}: ${outcomes.length} schedules, ${sum("breaks")} broken connections, ${sum("calls")} calls: ${bad} schedules with a violation; ` +
      `${sum("failed")} calls failed, ${sum("failedThoughStarted")} of them although they were started`,
  );
  for (const [invariant, meaning] of Object.entries(invariants)) {
    const found = outcomes.filter(({ violations }) => violations.has(invariant));
    const [first] = found.sort((a, b) => a.seed - b.seed);
    if (first === undefined) continue;
    console.log(
      `  ${invariant} (${meaning}) in ${found.length}: seed ${first.seed}: ${first.violations.get(invariant) ?? ""}`,
    );
  }
}

let good = true;
for (const system of systems.filter(({ name }) => values.system === undefined || name === values.system)) {
  const outcomes = await runSchedules(system, Number(values.seed), Number(values.schedules));
  report(system, outcomes);
  if (system === tautlineSystem) good = outcomes.every(({ violations, failed }) => violations.size + failed === 0);
}
if (values.assert && !good) process.exitCode = 1;
// Some of them have timers left.
process.exit();
