// What sessions cost that wait for their clients, and that no more are kept than the caps allow.
import { parseArgs } from "node:util";
import { PinnedProcess } from "../pinned-process.ts";
import { abandonSessions } from "./abandon.ts";
import type { ParkedServerCommands, ParkedServerReport } from "./server.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    sessions: { type: "string", default: "5000" },
    abandoned: { type: "string", default: "100000" },
    assert: { type: "boolean", default: false },
  },
});
const maxParkedSessions = 10_000;
const maxParkedBytes = 256 * 2 ** 20;
let good = true;

function check(name: string, holds: boolean): void {
  console.log(`  ${name}: ${holds ? "holds" : "MISSED"}`);
  good &&= holds;
}

async function withServer(
  act: (port: number, measure: () => Promise<ParkedServerReport>) => Promise<void>,
): Promise<void> {
  const server = await PinnedProcess.start<ParkedServerCommands>(0, "parked/server.js");
  const port = Number(server.ready);
  // What the first sessions cost is the code's, not theirs.
  await abandonSessions(port, 500, "wait");
  await act(port, () => server.channel.call("measure"));
  await server.stop();
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

async function measureCost(name: string, count: number, path?: string): Promise<void> {
  await withServer(async (port, measure) => {
    const before = await measure();
    await abandonSessions(port, count, path);
    const after = await measure();
    const more = after.parked - before.parked;
    const kb = (bytes: number): string => `${(bytes / more / 1024).toFixed(2)} kB`;
    console.log(
      `${more} parked sessions, ${name}: ${kb(after.heapBytes - before.heapBytes)} of heap each, ` +
        `${kb(after.rssBytes - before.rssBytes)} of RSS each`,
    );
    good &&= more === count;
  });
}

async function abandonMany(name: string, count: number, path?: string): Promise<ParkedServerReport> {
  let last: ParkedServerReport | undefined;
  await withServer(async (port, measure) => {
    console.log(`${count} sessions abandoned, ${name}:`);
    const steps = 5;
    const heaps: number[] = [];
    for (let step = 1; step <= steps; step++) {
      await abandonSessions(port, count / steps, path);
      last = await measure();
      heaps.push(last.heapBytes);
      const { parked, opened, lost, heapBytes, rssBytes } = last;
      console.log(`  after ${opened}: ${parked} parked, ${lost} let go, heap ${mib(heapBytes)}, RSS ${mib(rssBytes)}`);
    }
    const [, second = 0] = heaps;
    const end = heaps.at(-1) ?? 0;
    check("heap no more than 10 % over what it was after two fifths", end <= second * 1.1);
    check(`${maxParkedSessions} sessions at most`, last !== undefined && last.parked <= maxParkedSessions);
  });
  if (last === undefined) throw new Error("nothing was measured");
  return last;
}

const count = Number(values.sessions);
const abandoned = Number(values.abandoned);
await measureCost("nothing running", count);
await measureCost("each with a subscription that waits", count, "wait");
await abandonMany("nothing running", abandoned);
const { parked } = await abandonMany("each keeping 64 kB", abandoned / 5, "keep");
check(`64 kB each of ${parked} within ${mib(maxParkedBytes)}`, parked * 64 * 1024 <= maxParkedBytes);
if (values.assert && !good) process.exitCode = 1;
