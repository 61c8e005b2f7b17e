import { describe, expect, it } from "vitest";
import { plant } from "./sim/plant.ts";
import { plantedBugs } from "./sim/planted-bugs.ts";

/** How many schedules a bug may take. */
const mostSchedules = 2_000;

describe("the simulation finds", { timeout: 60_000 }, () => {
  it.each(plantedBugs.map((bug, index) => ({ ...bug, index })))("that $name", async ({ index, ...bug }) => {
    const { runSeeds } = await plant(bug, `planted-${index}`);
    const { schedules, failures } = await runSeeds({ from: 1, count: mostSchedules }, 1);
    expect(failures).toHaveLength(1);
    console.info(`${bug.name}: ${failures[0]?.violations[0]?.invariant} after ${schedules} schedules`);
  });
});
