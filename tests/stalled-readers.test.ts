import { createClient, type RouterClient, streams } from "@tautline/client";
import { bytes, contract, mutation, rich, stream, subscription } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
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

/** `pnpm bench:stalled` does the same for half a minute, and weighs the processes; here it is what may wait that is counted. */
describe("a loop that stops", () => {
  const itemBytes = 10_000;
  /** A stream's window, and the item that goes over it. */
  const mostAhead = Math.ceil((256 * 1024) / itemBytes) + 1;
  const api = contract({
    items: subscription({ output: z.object({ n: z.number(), text: z.string() }) }),
    upload: mutation({ input: stream(bytes()), output: z.array(z.number()) }),
  });

  /** A reader that stands still after its hundredth item until it is let go on; each item's number is noted. */
  function createReader() {
    const taken: number[] = [];
    let goOn: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const take = async (n: number): Promise<boolean> => {
      taken.push(n);
      if (taken.length === 100) await held;
      return taken.length < 500;
    };
    return { taken, take, goOn: () => goOn() };
  }

  async function start() {
    const seen = { yielded: 0 };
    const handler = createReader();
    const { procedures, router } = implement(api, initTRPC.create({ transformer: rich }));
    const built = router({
      items: procedures.items.subscription(async function* () {
        for (;;) yield { n: seen.yielded++, text: "x".repeat(itemBytes) };
      }),
      upload: procedures.upload.mutation(async ({ input }) => {
        for await (const [n = 0] of input) if (!(await handler.take(n))) break;
        return handler.taken;
      }),
    });
    const server = await startServer({ router: built });
    const client = closing(createClient({ contract: api, url: server.url, transformer: rich, streams }));
    return { client, seen, handler };
  }

  it("pauses an endless subscription a window ahead of it; then everything comes in order", async () => {
    const { client, seen } = await start();
    const reader = createReader();
    const read = async (): Promise<void> => {
      for await (const { n } of client.items.subscribe()) if (!(await reader.take(n))) break;
    };
    const whole = read();
    await until("it stands still", () => reader.taken.length === 100);
    await stillness(() => seen.yielded);
    expect(seen.yielded).toBeLessThanOrEqual(100 + mostAhead);
    reader.goOn();
    await whole;
    expect(reader.taken).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it("of an upload's handler pauses its caller's source a window ahead of it; then everything comes in order", async () => {
    const { client, handler } = await start();
    let given = 0;
    const upload = client.upload.mutate(
      (async function* () {
        for (; ; given++) yield new Uint8Array(itemBytes).fill(given % 256);
      })(),
    );
    await until("it stands still", () => handler.taken.length === 100);
    await stillness(() => given);
    // Where the line seems to be long, here because the machine is busy, its window is larger.
    expect(given).toBeLessThanOrEqual(100 + 2 * mostAhead);
    handler.goOn();
    expect(await upload).toEqual(Array.from({ length: 500 }, (_, n) => n % 256));
  });
});

/** Resolves when a figure has not changed in many turns. */
async function stillness(figure: () => number): Promise<void> {
  for (let turns = 0, last = -1; turns < 100; last = figure()) {
    await turn();
    turns = figure() === last ? turns + 1 : 0;
  }
}
