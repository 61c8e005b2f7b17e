/**
 * Three nodes, one Redis, 300 clients, 60 s of traffic, and a node killed every 10 s: what they wrote down is judged.
 *
 *   pnpm cluster-check                   --clients 300 --seconds 60 --kills 5 --every-ms 1000 --dead-ms 2000 --lease-ms 15000
 */
import { parseArgs } from "node:util";
import { hasRedis } from "../fixture/redis-server.ts";
import { runCluster } from "./cluster.ts";

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    clients: { type: "string", default: "300" },
    seconds: { type: "string", default: "60" },
    kills: { type: "string", default: "5" },
    /** Between two calls of a client, on average. */
    "every-ms": { type: "string", default: "1000" },
    /** How long a node stays dead. */
    "dead-ms": { type: "string", default: "2000" },
    "lease-ms": { type: "string", default: "15000" },
  },
});

if (!hasRedis) {
  process.stderr.write("There is no redis-server in the PATH.\n");
  process.exit(1);
}

const started = performance.now();
const sinceStart = (): string => `${((performance.now() - started) / 1_000).toFixed(1).padStart(5)} s`;
const long = Array.from({ length: 30 }, (_, index) => `long-${index}`);
const short = Array.from({ length: 5 }, (_, index) => `short-${index}`);
const { violations, counts, reports } = await runCluster({
  clients: Number(values.clients),
  processes: 2,
  trafficMs: Number(values.seconds) * 1_000,
  kills: Number(values.kills),
  deadMs: Number(values["dead-ms"]),
  callEveryMs: Number(values["every-ms"]),
  leaseMs: Number(values["lease-ms"]),
  keys: [...long, ...short],
  onProgress: (what) => void print(`${sinceStart()}  ${what}`),
});

for (const report of reports.slice(0, 10)) print(`reported by the ${report}`);
for (const violation of violations.slice(0, 50)) print(violation);
print(
  `${counts.kills} nodes killed; ${counts.calls} mutations, ${counts.answered} with their result, ${counts.unknown} OUTCOME_UNKNOWN ` +
    `(${counts.unknownNotBegun} of them never begun), ${counts.runAgain} idempotent ones run again`,
);
print(
  `${counts.events} events to ${counts.subscriptions} subscriptions: ${counts.got} items; connections lost ${counts.away} times; ` +
    `${counts.gaps} gaps, which say that ${counts.missedInGaps} are missing`,
);
print(`${violations.length} violations`);
process.exitCode = violations.length === 0 ? 0 : 1;
