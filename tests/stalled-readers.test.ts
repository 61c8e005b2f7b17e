import { createClient, type RouterClient } from "@tautline/client";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, createTap } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const t = initTRPC.create();
/** Each subscription may be 256 KiB ahead of its reader: of one alone no more than that would wait, and the system takes it all. */
const lanes = [0, 1, 2, 3];
const itemsPerLane = 500;

/** A router whose subscriptions count what they yield. */
function createItems() {
  const yielded = lanes.map(() => 0);
  const router = t.router({
    items: t.procedure.input(z.number()).subscription(async function* ({ input: lane }) {
      for (let n = 0; n < itemsPerLane; n++) {
        yielded[lane] = n + 1;
        yield { n, text: "x".repeat(10_000) };
      }
    }),
  });
  return { router, yielded };
}

describe("a client that does not read its socket", () => {
  it("is cut after drainTimeoutMs though it still sends; its session is kept, and goes on in order", async () => {
    const { router, yielded } = createItems();
    const sessions: string[] = [];
    const server = await startServer({
      router,
      drainTimeoutMs: 200,
      heartbeatMs: Number.POSITIVE_INFINITY,
      onSession: ({ type }) => sessions.push(type),
    });
    const tap = createTap();
    const client: RouterClient<typeof router> = closing(
      createClient<typeof router>({
        url: server.url,
        WebSocket: tap.WebSocket,
        backoff: { baseMs: 1 },
        heartbeatMs: Number.POSITIVE_INFINITY,
      }),
    );
    const received: number[][] = lanes.map(() => []);
    const total = (): number => received.flat().length;
    for (const lane of lanes)
      client.items.subscribe(lane, {
        onData: ({ n }) => {
          received[lane]?.push(n);
          if (total() === 200) tap.sockets[0]?.pause();
        },
      });
    await until("it has read something", () => total() >= 200);
    await until("it is cut", () => {
      // A message that says nothing is a sign of life: no heartbeat would end this.
      if (tap.sockets[0]?.isPaused) tap.sockets[0].send("[[64]]");
      return server.parkedSessions === 1;
    });
    const ahead = yielded.reduce((sum, count) => sum + count, 0) - total();
    expect(ahead * 10_000).toBeLessThan(2 * 1024 * 1024);
    // It finds out when it reads again, or writes: whichever its system tells it.
    tap.sockets[0]?.terminate();
    await until("all is here", () => total() === lanes.length * itemsPerLane);
    for (const lane of received) expect(lane).toEqual(Array.from({ length: itemsPerLane }, (_, n) => n));
    expect(sessions).toEqual(["opened", "parked", "resumed"]);
  });
});
