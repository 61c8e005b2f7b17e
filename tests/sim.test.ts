import { describe, expect, it } from "vitest";
import { createSchedule } from "./sim/random-schedule.ts";
import { simulate } from "./sim/simulation.ts";
import { runSeeds } from "./sim/tally.ts";

/** What every run of the tests has of the simulation; `pnpm sim --schedules 100000` is the rest. */
const seeds = { from: 1, count: 600 };

describe("whatever breaks, and when,", { timeout: 120_000 }, () => {
  it(`no schedule from seed ${seeds.from} to ${seeds.from + seeds.count - 1} breaks an invariant`, async () => {
    const { failures, cuts, schedules, events, gaps } = await runSeeds(seeds);
    expect(failures).toEqual([]);
    expect(schedules).toBe(seeds.count);
    // Each kind of cut is there: what is never tried is never found.
    expect(Object.values(cuts).every((count) => count > 10)).toBe(true);
    expect(events).toBeGreaterThan(5_000);
    expect(gaps).toBeGreaterThan(100);
  });

  it("a schedule does the same each time", async () => {
    const trace = async (): Promise<string[]> => {
      const lines: string[] = [];
      await simulate(createSchedule(11), (line) => lines.push(line));
      // Stores have names of their own.
      return lines.map((line) => line.replace(/"store":"[^"]+"/g, ""));
    };
    const first = await trace();
    expect(first.length).toBeGreaterThan(50);
    expect(await trace()).toEqual(first);
  });
});
