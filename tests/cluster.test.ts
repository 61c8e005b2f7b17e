import { describe, expect, test } from "vitest";
import { runCluster } from "./cluster/cluster.ts";
import { hasRedis } from "./fixture/redis-server.ts";

describe.skipIf(!hasRedis)("three nodes and a Redis (skipped without redis-server)", { timeout: 180_000 }, () => {
  test("of which two are killed in the middle of traffic: nothing lost, nothing twice, every gap justified", async ({
    annotate,
  }) => {
    const { violations, counts, reports } = await runCluster({
      clients: 30,
      processes: 1,
      trafficMs: 6_000,
      kills: 2,
      deadMs: 1_000,
      callEveryMs: 300,
      leaseMs: 8_000,
      keys: ["long-0", "long-1", "long-2", "long-3", "long-4", "short-0", "short-1"],
    });
    await annotate(JSON.stringify({ counts, reports }));
    expect(violations).toEqual([]);
    expect(counts.away).toBeGreaterThan(0);
    expect(counts.got).toBeGreaterThan(counts.events);
  });
});
