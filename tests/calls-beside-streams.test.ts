import { createClient, streams } from "@tautline/client";
import { bytes, contract, mutation, query, rich, stream, subscription } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";
import { startTcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();

const chunkBytes = 64 * 1024;
const chunks = 160;

const api = contract({
  ping: query({ output: z.string() }),
  upload: mutation({ input: stream(bytes()), output: z.number() }),
  download: query({ output: stream(bytes()) }),
  ticker: subscription({ output: z.number() }),
});

/** Chunks that tell which they are. */
async function* createChunks(): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < chunks; number++) yield new Uint8Array(chunkBytes).fill(number);
}

/** Returns how many there were. @throws Error where one is not the next, or has changed. */
async function takeChunks(items: AsyncIterable<Uint8Array>): Promise<number> {
  let number = 0;
  for await (const item of items) {
    if (item.length !== chunkBytes || item.some((byte) => byte !== number)) throw new Error(`no chunk ${number}`);
    number++;
  }
  return number;
}

const { procedures, router } = implement(api, initTRPC.create({ transformer: rich }));
const served = router({
  ping: procedures.ping.query(() => "pong"),
  upload: procedures.upload.mutation(({ input }) => takeChunks(input)),
  download: procedures.download.query(() => createChunks()),
  ticker: procedures.ticker.subscription(async function* ({ signal }) {
    for (let tick = 0; signal?.aborted !== true; tick++) {
      yield tick;
      await turn();
    }
  }),
});

/** A client, and how long the frames are that come and go. */
async function start() {
  const frames: number[] = [];
  class WatchedSocket extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      this.on("message", (data: Buffer) => frames.push(data.length));
    }

    override send(data: string | Uint8Array): void {
      frames.push(data.length);
      super.send(data);
    }
  }
  const server = await startServer({ router: served });
  const proxy = await startTcpProxy(server.url);
  const options = { transformer: rich, streams, backoff: { baseMs: 1 }, WebSocket: WatchedSocket };
  return { frames, proxy, client: closing(createClient({ contract: api, url: proxy.url, ...options })) };
}

type Client = Awaited<ReturnType<typeof start>>["client"];

async function moveBothWays(client: Client): Promise<readonly number[]> {
  return Promise.all([client.upload.mutate(createChunks()), client.download.query().then(takeChunks)]);
}

describe("an upload and a download", () => {
  it("go in pieces of 16 KiB while calls are made beside them", async () => {
    const { client, frames } = await start();
    let done = false;
    const moved = moveBothWays(client).finally(() => {
      done = true;
    });
    // The first may have been made before the streams began.
    for (let call = 0; call < 2; call++) await client.ping.query();
    frames.length = 0;
    while (!done) await client.ping.query();
    expect(await moved).toEqual([chunks, chunks]);
    // On a machine that stands still for a second there are no calls beside them.
    expect(frames.filter((length) => length > 17 * 1024).length).toBeLessThan(chunks / 10);
    expect(frames.filter((length) => length > 16 * 1024).length).toBeGreaterThan(4 * chunks);
  });

  it("go in pieces of 16 KiB while items of a subscription come beside them", async () => {
    const { client, frames } = await start();
    const ticks: number[] = [];
    const ticker = client.ticker.subscribe(undefined, { onData: (tick) => ticks.push(tick) });
    await until("it ticks", () => ticks.length > 0);
    const moved = moveBothWays(client);
    const begun = ticks.length;
    await until("it ticks beside them", () => ticks.length > begun + 2);
    frames.length = 0;
    expect(await moved).toEqual([chunks, chunks]);
    ticker.unsubscribe();
    expect(frames.filter((length) => length > 17 * 1024).length).toBeLessThan(chunks / 10);
    expect(ticks).toEqual(Array.from(ticks, (_, index) => index));
  });

  it("go as they are where calls were made before them alone", async () => {
    const { client, frames } = await start();
    await client.upload.mutate(createChunks());
    for (let call = 0; call < 3; call++) await client.ping.query();
    frames.length = 0;
    expect(await client.upload.mutate(createChunks())).toBe(chunks);
    expect(await takeChunks(await client.download.query())).toBe(chunks);
    expect(frames.filter((length) => length > chunkBytes)).toHaveLength(2 * chunks);
  });

  it("come whole through connections that break, as do the calls beside them", async () => {
    const { client, proxy } = await start();
    let done = false;
    const moved = moveBothWays(client).finally(() => {
      done = true;
    });
    const passed = (): number => proxy.connections.reduce((sum, { passed: { up, down } }) => sum + up + down, 0);
    const cuts = (async () => {
      for (let cut = 0; cut < 4; cut++) {
        const before = passed();
        await until("more has passed", () => passed() > before + 3 * 1024 * 1024);
        proxy.cut("reset");
      }
    })();
    while (!done) expect(await client.ping.query()).toBe("pong");
    expect(await moved).toEqual([chunks, chunks]);
    await cuts;
    expect(proxy.connections).toHaveLength(5);
  });
});
