// What it costs a server, and its client, that a reader stops: for half a minute nothing is taken, then everything.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { PinnedProcess } from "../pinned-process.ts";
import type { StalledNodeCommands } from "./client.ts";
import type { MemoryReport } from "./memory-report.ts";
import { hasChromium, PageClient } from "./page-client.ts";
import type { StalledServerCommands } from "./server.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    "stall-ms": { type: "string", default: "30000" },
    assert: { type: "boolean", default: false },
  },
});
const stallMs = Number(values["stall-ms"]);
const mostGrowth = 1_000_000;
/** What has to come in order after the stall: more than anything between the ends could have kept. */
const more = 3_000;

type Server = PinnedProcess<StalledServerCommands>;
type Client = PinnedProcess<StalledNodeCommands>;

/** One way to stop reading. */
interface Stall {
  warm(): Promise<unknown>;
  begin(): Promise<unknown>;
  stop(): Promise<unknown>;
  /** Returns how many items were taken in all. */
  goOn(): Promise<number>;
  /** How many items the producer was asked for. */
  produced(): Promise<number>;
  memory(): Promise<Readonly<Record<string, MemoryReport>>>;
  end(): Promise<unknown>;
}

const inNode = (
  server: Server,
  client: Client,
): Pick<Stall, "warm" | "begin" | "goOn" | "produced" | "memory" | "end"> => ({
  warm: () => client.channel.call("warm", { way: "down" }),
  begin: () => client.channel.call("begin", { way: "down" }),
  goOn: () => client.channel.call("goOn", { more }),
  produced: () => server.channel.call("yielded"),
  memory: async () => ({ server: await server.channel.call("memory"), client: await client.channel.call("memory") }),
  end: () => client.stop(),
});

const inPage = (server: Server, page: PageClient): Omit<Stall, "stop"> => ({
  warm: () => page.warm("down"),
  begin: () => page.begin("down"),
  goOn: () => page.goOn(more),
  produced: () => server.channel.call("yielded"),
  memory: async () => ({ server: await server.channel.call("memory") }),
  end: () => page.close(),
});

function loopStall(server: Server, client: Client): Stall {
  return { ...inNode(server, client), stop: () => client.channel.call("stop") };
}

function socketStall(server: Server, client: Client): Stall {
  return {
    ...inNode(server, client),
    stop: () => client.channel.call("pauseSocket", { paused: true }),
    async goOn() {
      await client.channel.call("pauseSocket", { paused: false });
      return await client.channel.call("goOn", { more });
    },
  };
}

function uploadStall(server: Server, client: Client): Stall {
  return {
    ...inNode(server, client),
    warm: () => client.channel.call("warm", { way: "up" }),
    begin: () => client.channel.call("begin", { way: "up" }),
    produced: () => client.channel.call("progress"),
    stop: () => server.channel.call("stop"),
    async goOn() {
      await server.channel.call("goOn", { more });
      return await client.channel.call("uploaded");
    },
  };
}

const kb = (bytes: number): string => `${(bytes / 1e3).toFixed(0)} kB`;
const counted = ({ heap, external }: MemoryReport): number => heap + external;
let good = true;

function check(name: string, holds: boolean): string {
  good &&= holds;
  return `  ${name}: ${holds ? "holds" : "MISSED"}`;
}

/** The most that was seen of each process during the stall, over what it was before. */
async function watch(stall: Stall, before: Readonly<Record<string, MemoryReport>>): Promise<string[]> {
  const most = new Map<string, { counted: number; rss: number }>();
  const until = performance.now() + stallMs;
  while (performance.now() < until) {
    await sleep(Math.min(4_000, until - performance.now()));
    for (const [name, report] of Object.entries(await stall.memory())) {
      const grown = counted(report) - counted(before[name] ?? report);
      const rss = report.rss - (before[name] ?? report).rss;
      const known = most.get(name) ?? { counted: grown, rss };
      most.set(name, { counted: Math.max(known.counted, grown), rss: Math.max(known.rss, rss) });
    }
  }
  return [...most].map(([name, { counted: grown, rss }]) =>
    check(
      `${name}: heap and external grew by ${kb(grown)} at most, after collection; under 1 MB (RSS by ${kb(rss)})`,
      grown < mostGrowth,
    ),
  );
}

async function run(name: string, server: Server, stall: Stall): Promise<void> {
  await stall.warm();
  // What was sent last is acknowledged, and its buffers are free.
  await sleep(1_000);
  const before = await stall.memory();
  await stall.begin();
  await stall.stop();
  await sleep(2_000);
  const paused = await stall.produced();
  const lines = await watch(stall, before);
  const after = await stall.produced();
  const [taken, started] = [await stall.goOn(), await server.channel.call("started")];
  lines.push(check(`the producer is paused: at ${paused} items, and at ${after} at the end`, paused === after));
  lines.push(check(`${taken} items have come in order, from the one start`, taken >= after && started === 2));
  const sessions = await server.channel.call("sessions");
  console.log([`${name} (sessions: ${sessions.join(", ")})`, ...lines].join("\n"));
  await stall.end();
  await server.stop();
}

const startServer = (): Promise<Server> => PinnedProcess.start<StalledServerCommands>(undefined, "stalled/server.js");

async function runInNode(name: string, create: (server: Server, client: Client) => Stall): Promise<void> {
  const server = await startServer();
  const client = await PinnedProcess.start<StalledNodeCommands>(undefined, "stalled/client.js", String(server.ready));
  await run(name, server, create(server, client));
}

async function runInPage(name: string, stop: (page: PageClient) => Promise<void>): Promise<void> {
  const server = await startServer();
  const page = await PageClient.start(Number(server.ready));
  await run(name, server, { ...inPage(server, page), stop: () => stop(page) });
}

console.log(`readers stop for ${stallMs / 1e3} s; items of 10 kB without end; Node ${process.version}`);
// Memory is what counts here, and each has processes of its own: all at once.
const runs = [
  runInNode("a subscription whose loop stops, in Node", loopStall),
  runInNode("a subscription whose socket is not read, in Node", socketStall),
  runInNode("an upload whose handler stops", uploadStall),
];
if (hasChromium) {
  runs.push(runInPage("a subscription whose loop stops, in Chromium", (page) => page.stop()));
  runs.push(runInPage("a page that is blocked, in Chromium", (page) => page.block()));
} else console.log("no Chromium here: its cases are left out");
await Promise.all(runs);
if (values.assert && !good) process.exitCode = 1;
