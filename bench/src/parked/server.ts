// The server whose clients do not come back.
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { answerCommands } from "../command-channel.ts";

/** What the server does on request. */
export interface ParkedServerCommands {
  /** After garbage collection. */
  measure(): Promise<ParkedServerReport>;
}

export interface ParkedServerReport {
  readonly parked: number;
  /** Sessions that were opened since the start, and those that were lost. */
  readonly opened: number;
  readonly lost: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const t = initTRPC.create();
const router = t.router({
  /** One item, then nothing more. */
  wait: t.procedure.subscription(async function* ({ signal }) {
    yield 0;
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
  }),
  /** 64 kB, when its client is gone. */
  keep: t.procedure.subscription(async function* ({ signal }) {
    await sleep(100);
    for (let item = 0; item < 64; item++) yield "x".repeat(1024);
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
  }),
});

const counts = { opened: 0, lost: 0 };
const server = await serve({
  router,
  host: "127.0.0.1",
  // Nothing expires while this runs: the caps alone bound what is kept.
  sessionWindowMs: 3_600_000,
  onSession: ({ type }) => {
    if (type === "opened" || type === "lost") counts[type]++;
  },
});

const commands: ParkedServerCommands = {
  async measure() {
    // What was just asked for has to come to rest first.
    await sleep(500);
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await sleep(50);
    }
    const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
    return { parked: server.parkedSessions, ...counts, rssBytes, heapBytes };
  },
};

answerCommands(commands, server.port);
