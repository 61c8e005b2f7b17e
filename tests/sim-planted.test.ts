import { describe, expect, it } from "vitest";
import { plant } from "./sim/plant.ts";
import { plantedBugs } from "./sim/planted-bugs.ts";

/** How many schedules a bug may take; `pnpm sim --planted` prints how many each does take. */
const mostSchedules = 2_000;

describe("the simulation finds", { timeout: 120_000 }, () => {
  it.for(plantedBugs)("that $name", async (bug, { annotate }) => {
    const { runSeeds } = await plant(bug);
    const { schedules, failures } = await runSeeds({ from: 1, count: mostSchedules }, 1);
    await annotate(`${failures[0]?.violations[0]?.invariant} after ${schedules} schedules`);
    expect(failures).toHaveLength(1);
  });
});
