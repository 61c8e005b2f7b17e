// What subscriptions cost the server that wait for something: 20,000 on one connection.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createHub, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { WebSocket } from "ws";
import { z } from "zod";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: { subscriptions: { type: "string", default: "20000" }, assert: { type: "boolean", default: false } },
});
const count = Number(values.subscriptions);

const t = initTRPC.create();
const topic = createHub().topic("events", z.object({ n: z.number() }), { history: false });
const router = t.router({
  topic: t.procedure.input(z.string()).subscription(({ input }) => topic.subscribe(input)),
  generator: t.procedure.input(z.string()).subscription(async function* ({ signal }) {
    if (signal?.aborted === false) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield 0;
  }),
});

/** Calls by hand: what a client keeps is none of the server's, and both are in one process. */
async function measure(path: "topic" | "generator", inputs: (n: number) => string): Promise<number> {
  const server = await serve({ router, host: "127.0.0.1", maxSubscriptions: 2 * count });
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}`, "tautline.v1");
  let answers = 0;
  socket.on("message", (data: Buffer) => {
    answers += data.toString().split("[22,").length - 1;
  });
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send('[[0,1,{"token":"idle"}]]');
  let id = 0;
  const subscribe = async (until: number): Promise<number> => {
    while (id < until) {
      socket.send(`[[12,${++id},"${path}",{},"${inputs(id)}"]]`);
      if (id % 100 === 0) await sleep(1);
    }
    const expected = path === "topic" ? until : answers;
    for (let waited = 0; waited < 200 && answers < expected; waited++) await sleep(50);
    if (answers < expected) throw new Error(`${answers} of ${expected} have started`);
    // What is acknowledged the server forgets.
    socket.send(`[[5,${answers}]]`);
    return heapBytes();
  };
  await sleep(50);
  socket.send("[[5,0]]");
  const before = await subscribe(1000);
  const after = await subscribe(1000 + count);
  socket.terminate();
  await server.close({ drainMs: 0 });
  return (after - before) / count;
}

async function heapBytes(): Promise<number> {
  await sleep(300);
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    await sleep(50);
  }
  return process.memoryUsage().heapUsed;
}

const figures = [
  { name: "topic, all of one key", most: 1024, bytes: await measure("topic", () => "a") },
  { name: "topic, each of a key of its own", most: Number.NaN, bytes: await measure("topic", (n) => `key ${n}`) },
  { name: "generator", most: 4096, bytes: await measure("generator", () => "") },
];
for (const { name, most, bytes } of figures) {
  const verdict = Number.isNaN(most) ? "" : `, at most ${most}: ${bytes <= most ? "holds" : "MISSED"}`;
  console.log(`an idle subscription, ${name}: ${bytes.toFixed(0)} bytes of heap${verdict}`);
  if (values.assert && bytes > most) process.exitCode = 1;
}
process.exit();
