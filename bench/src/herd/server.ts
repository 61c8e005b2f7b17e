// The server of the herd: a counter for each client, and a mutation that is held until it is let go.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { z } from "zod";
import { answerCommands } from "../command-channel.ts";
import { type LoopDelay, LoopWatch } from "../loop-delay.ts";

/** What the herd's server does on request. */
export interface HerdServerCommands {
  /** How many mutations are held. */
  held(): number;
  /** A cut comes now. What is held is answered from so many ms later on. */
  onCut(task: { readonly answerAfterMs: number }): void;
  /** Breaks every connection, some hundreds in each turn of the event loop, so that not this holds it. */
  breakConnections(): Promise<void>;
  report(): HerdServerReport;
}

export interface HerdServerReport {
  /** Since the cut. */
  readonly delay: LoopDelay;
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly startedTwice: number;
  /** By type of `onSession`'s events, since the start. */
  readonly sessions: Readonly<Record<string, number>>;
}

const shards = 50;
const periodMs = 1000;
const ticks = Array.from({ length: shards }, createTick);
const starts = new Map<number, number>();
const sessions: Record<string, number> = {};
const sockets = new Set<Socket>();
const watch = new LoopWatch();
let cpuAtCut = process.cpuUsage();
let holding = 0;
let answering = false;

/** A promise that is made anew each time that it is resolved. */
function createTick(): { next: Promise<void>; resolve: () => void } {
  const tick = { next: Promise.resolve(), resolve: () => {} };
  const renew = (): void => {
    tick.next = new Promise((resolve) => {
      tick.resolve = () => {
        resolve();
        renew();
      };
    });
  };
  renew();
  return tick;
}

const t = initTRPC.create();
const router = t.router({
  /** Counts, each client's from 0, once in a period. Clients are spread over the period. */
  count: t.procedure.input(z.number()).subscription(async function* ({ input }) {
    const tick = ticks[input % shards];
    for (let item = 0; tick !== undefined; item++) {
      yield item;
      await tick.next;
    }
  }),
  /** Answers when it is let go: with the client's counter, after the cut. */
  hold: t.procedure.input(z.number()).mutation(async ({ input }) => {
    starts.set(input, (starts.get(input) ?? 0) + 1);
    holding++;
    while (!answering) await ticks[input % shards]?.next;
    return input;
  }),
});

export type HerdRouter = typeof router;

const commands: HerdServerCommands = {
  held: () => holding,
  onCut({ answerAfterMs }) {
    watch.reset();
    cpuAtCut = process.cpuUsage();
    setTimeout(() => {
      answering = true;
    }, answerAfterMs);
  },
  async breakConnections() {
    // Not those of clients that are back meanwhile.
    const breaking = [...sockets];
    let broken = 0;
    for (const socket of breaking) {
      socket.destroy();
      if (++broken % 250 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  },
  report() {
    const { user, system } = process.cpuUsage(cpuAtCut);
    return {
      delay: watch.read(),
      cpuMs: (user + system) / 1000,
      rssBytes: process.memoryUsage.rss(),
      startedTwice: [...starts.values()].filter((count) => count > 1).length,
      sessions,
    };
  },
};

const http = createServer();
http.on("connection", (socket) => {
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
});
http.listen({ port: 0, host: "127.0.0.1", backlog: Number(process.argv[2]) });
await once(http, "listening");
await serve({
  router,
  server: http,
  onSession: ({ type }) => {
    sessions[type] = (sessions[type] ?? 0) + 1;
  },
});
let shard = 0;
setInterval(() => ticks[shard++ % shards]?.resolve(), periodMs / shards);
answerCommands(commands, (http.address() as AddressInfo).port);
