// A herd of clients, cut at once: how long until all are back, whether anything was lost, how long the server's loop was held.
import { availableParallelism, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { quantile } from "../measurement.ts";
import { PinnedProcess } from "../pinned-process.ts";
import type { HerdClientCommands } from "./client.ts";
import type { HerdServerCommands } from "./server.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    clients: { type: "string", default: "10000" },
    // The client option `backoff.baseMs`: the first attempt comes within this time.
    "base-ms": { type: "string", default: "5000" },
    processes: { type: "string", default: "2" },
    // Who breaks the connections: the server, over some turns, or all clients in one, which Node takes in one turn too.
    cut: { type: "string", default: "server" },
    backlog: { type: "string", default: "511" },
    assert: { type: "boolean", default: false },
  },
});
const count = Number(values.clients);
const processes = Number(values.processes);
const limits = { backMs: 10_000, delayMs: 200 };

// Two processes of clients have more to do than the server: they take what is left of either core.
const server = await PinnedProcess.start<HerdServerCommands>(0, "herd/server.js", values.backlog);
const clients = await Promise.all(
  Array.from({ length: processes }, () =>
    PinnedProcess.start<HerdClientCommands>(undefined, "herd/client.js", String(server.ready), values["base-ms"]),
  ),
);

const share = Math.ceil(count / processes);
for (const [index, client] of clients.entries()) {
  // Some at a time: a command has a minute.
  for (let from = index * share; from < Math.min(count, (index + 1) * share); from += 1000) {
    await client.channel.call("connect", { from, to: Math.min(from + 1000, count, (index + 1) * share) });
  }
}
while ((await server.channel.call("held")) < count) await sleep(50);
// What connecting has left to do is not the cut's.
await sleep(2000);
console.log(
  `${count} clients in ${processes} processes: each counts, and has a mutation in flight; load average ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`,
);

await server.channel.call("onCut", { answerAfterMs: 500 });
const cutAt = Date.now();
if (values.cut === "server") await server.channel.call("breakConnections");
else await Promise.all(clients.map((client) => client.channel.call("breakConnections")));
const reports = await Promise.all(clients.map((client) => client.channel.call("back", { withinMs: 45_000 })));
const { delay, cpuMs, rssBytes, startedTwice, sessions } = await server.channel.call("report");

const online = reports.flatMap(({ onlineAt }) => onlineAt.map((at) => at - cutAt)).sort((a, b) => a - b);
const back = reports.flatMap(({ backAt }) => backAt.map((at) => at - cutAt)).sort((a, b) => a - b);
const sum = (name: "lost" | "gaps" | "doubles"): number => reports.reduce((total, report) => total + report[name], 0);
const lastBackMs = back.length === count ? (back.at(-1) ?? 0) : Number.POSITIVE_INFINITY;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

console.log(
  `online again: ${online.length}, half within ${seconds(quantile(online, 0.5))}, 99 % within ${seconds(quantile(online, 0.99))}, ` +
    `all within ${seconds(online.at(-1) ?? 0)}`,
);
console.log(`back with an answer and the next item: ${back.length}, all within ${seconds(lastBackMs)}`);
console.log(
  `lost: ${sum("lost")}; gaps: ${sum("gaps")}; items twice: ${sum("doubles")}; handlers started twice: ${startedTwice}`,
);
console.log(
  `sessions: ${JSON.stringify(sessions)}; errors: ${JSON.stringify(reports.flatMap(({ errors }) => errors))}`,
);
console.log(
  `the server's event loop was held for ${delay.ownMs.toFixed(0)} ms at most (${delay.wallMs.toFixed(0)} ms with other programs' time); ` +
    `CPU ${seconds(cpuMs)}, RSS ${(rssBytes / 2 ** 20).toFixed(0)} MiB`,
);

const holds = lastBackMs <= limits.backMs && sum("lost") + startedTwice === 0 && delay.ownMs <= limits.delayMs;
console.log(
  `all back within ${seconds(limits.backMs)}, none lost, loop held ${limits.delayMs} ms at most: ${holds ? "holds" : "MISSED"}`,
);
for (const process of [server, ...clients]) await process.stop();
if (values.assert && !holds) process.exitCode = 1;
