import type { Violation } from "@tautline/core/testing";
import { createSchedule } from "./random-schedule.ts";
import type { Schedule } from "./schedule.ts";
import { simulate } from "./simulation.ts";
import type { CutKind } from "./witness.ts";

/** What a run of many schedules came to. */
export interface Tally {
  schedules: number;
  calls: number;
  items: number;
  /** Events of topics, snapshots, and gaps that were told. */
  events: number;
  snapshots: number;
  gaps: number;
  /** How many schedules have broken a connection at such a time. */
  readonly cuts: Record<CutKind, number>;
  readonly failures: { readonly seed: number; readonly violations: readonly Violation[] }[];
}

export interface Seeds {
  readonly from: number;
  readonly count: number;
}

export function createTally(): Tally {
  const cuts = { hello: 0, replay: 0, acknowledgement: 0, "twice in a row": 0, drain: 0 };
  return { schedules: 0, calls: 0, items: 0, events: 0, snapshots: 0, gaps: 0, cuts, failures: [] };
}

/** Runs the schedules of these seeds, one after another, until there are `maxFailures` failures. */
export async function runSeeds({ from, count }: Seeds, maxFailures: number = Number.POSITIVE_INFINITY): Promise<Tally> {
  const tally = createTally();
  for (let seed = from; seed < from + count && tally.failures.length < maxFailures; seed++) {
    const { violations, cuts, calls, items, events, snapshots, gaps } = await simulate(createSchedule(seed));
    tally.schedules++;
    tally.calls += calls;
    tally.items += items;
    tally.events += events;
    tally.snapshots += snapshots;
    tally.gaps += gaps;
    for (const cut of cuts) tally.cuts[cut]++;
    if (violations.length > 0) tally.failures.push({ seed, violations });
  }
  return tally;
}

export function addTally(sum: Tally, part: Tally): void {
  sum.schedules += part.schedules;
  sum.calls += part.calls;
  sum.items += part.items;
  sum.events += part.events;
  sum.snapshots += part.snapshots;
  sum.gaps += part.gaps;
  for (const cut of Object.keys(part.cuts) as CutKind[]) sum.cuts[cut] += part.cuts[cut];
  sum.failures.push(...part.failures);
}

/** Leaves out steps for as long as the same invariant is broken without them. */
export async function shorten(schedule: Schedule): Promise<Schedule> {
  const isBroken = async (steps: Schedule["steps"]): Promise<ReadonlySet<string>> =>
    new Set((await simulate({ ...schedule, steps })).violations.map(({ invariant }) => invariant));
  const broken = [...(await isBroken(schedule.steps))];
  let { steps } = schedule;
  for (let size = steps.length; size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < steps.length; ) {
      const fewer = [...steps.slice(0, start), ...steps.slice(start + size)];
      const still = await isBroken(fewer);
      if (broken.some((invariant) => still.has(invariant))) steps = fewer;
      else start += size;
    }
  }
  return { ...schedule, steps };
}
