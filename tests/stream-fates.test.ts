/** Calls with streams among aborts, cuts, deploys and closes: whatever happens, each source ends and whoever waits hears of it. */
import { createClient, streams } from "@tautline/client";
import { contract, fields, mutation, query, rich, stream, subscription, TautlineError } from "@tautline/core";
import { MemoryNetwork, SeededRandom } from "@tautline/core/testing";
import { implement, memoryIdempotencyStore } from "@tautline/server";
import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { z } from "zod";
import { turn } from "./fixture/cleanup.ts";

const items = stream(z.unknown());
const api = contract({
  up: mutation({ input: items, output: z.number() }),
  down: query({ output: items }),
  both: query({ input: items, output: items }),
  follow: subscription({ input: items, output: fields({ page: items }) }),
  pages: subscription({ output: fields({ page: items }) }),
});

class World {
  /** Sources that have not ended, readers and callers that wait. */
  readonly waiting = new Set<string>();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly #servers: MemoryServer[] = [];
  readonly #closing: Promise<void>[] = [];
  readonly #idempotency = memoryIdempotencyStore();
  readonly #client;
  #count = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const highWaterLength = this.random.pick([1, 70_000, 1_000_000]);
    this.network = new MemoryNetwork({ seed, latencyMs: [1, 30], settle: turn, highWaterLength });
    this.#servers.push(this.#serve());
    this.#client = createClient({
      contract: api,
      url: () => this.#servers.at(-1)?.url ?? "",
      transformer: rich,
      streams,
      streamWindowBytes: this.random.pick([1, 5_000, 500_000]),
      idleCloseMs: this.random.pick([100, Number.POSITIVE_INFINITY]),
      backoff: { baseMs: 10 },
      ...this.network.clientOptions,
    });
  }

  deploy(): void {
    this.#closing.push(
      ...this.#servers.slice(-1).map((old) => old.close({ drainMs: this.random.pick([0, 300, 3_000]) })),
    );
    this.#servers.push(this.#serve());
  }

  reopen(): void {
    this.#client.connection.close();
    this.#client.connection.connect();
  }

  call(): void {
    const controller = new AbortController();
    const { signal } = controller;
    if (this.random.chance(0.3))
      this.network.clock.setTimeout(() => controller.abort(), this.random.pick([0, 20, 200]));
    const { up, down, both, follow, pages } = this.#client;
    const make = this.random.pick<() => Promise<unknown>>([
      () => up.mutate(this.#source("up"), { signal }),
      async () => this.#read(await down.query(undefined, { signal })),
      async () => this.#read(await both.query(this.#source("both"), { signal })),
      () => this.#readPages(follow.subscribe(this.#source("follow"), { signal })),
      () => this.#readPages(pages.subscribe(undefined, { signal })),
    ]);
    void this.#wait("a caller", make()).catch((error: unknown) => expect(error).toBeInstanceOf(TautlineError));
  }

  async end(): Promise<void> {
    this.#client.connection.close();
    await this.network.advance(30_000);
    const closing = this.#servers.map((server) => server.close({ drainMs: 0 }));
    await this.network.advance(30_000);
    await Promise.all([...closing, ...this.#closing]);
  }

  #serve(): MemoryServer {
    const { procedures: p, router } = implement(api, initTRPC.create({ transformer: rich }));
    return createMemoryServer({
      network: this.network,
      url: `ws://memory/${this.#servers.length}`,
      idempotency: this.#idempotency,
      sessionWindowMs: this.random.pick([0, 500, 10_000]),
      maxParkedBytes: this.random.pick([10_000, 1_000_000]),
      maxStreamBytes: this.random.pick([0, 1_000_000]),
      onError: () => {},
      router: router({
        up: p.up.mutation(({ input }) => this.#read(input)),
        down: p.down.query(() => this.#source("down")),
        both: p.both.query(({ input }) => input),
        follow: p.follow.subscription(({ input }) => this.#pages(input)),
        pages: p.pages.subscription(() => this.#pages()),
      }),
    });
  }

  async *#pages(each?: AsyncIterable<unknown>): AsyncGenerator<{ page: AsyncIterable<unknown> }> {
    for await (const _ of each ?? this.#source("pages")) yield { page: this.#source("page") };
  }

  /** Items that take their time, or not. Over when it has none left, has thrown, or is returned. */
  #source(what: string): AsyncIterable<unknown> {
    const name = `${what} ${++this.#count}`;
    this.waiting.add(name);
    let left = this.random.pick([0, 1, 5, 50]);
    const [ms, length] = [this.random.pick([0, 0, 10, 100]), this.random.pick([0, 10, 2_000, 300_000])];
    const end = (): IteratorResult<unknown> => {
      this.waiting.delete(name);
      return { done: true, value: undefined };
    };
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (ms > 0) await new Promise<void>((resolve) => void this.network.clock.setTimeout(resolve, ms));
          return left-- > 0 ? { done: false, value: new Uint8Array(length) } : end();
        },
        return: () => Promise.resolve(end()),
      }),
    };
  }

  /** Reads some of a stream, or all. */
  #read(stream: AsyncIterable<unknown>): Promise<number> {
    const most = this.random.pick([0, 1, 3, 1_000]);
    return this.#wait(
      "a reader",
      (async () => {
        let read = 0;
        for await (const _ of stream) if (++read >= most) break;
        return read;
      })(),
    );
  }

  async #readPages(pages: AsyncIterable<{ readonly page: AsyncIterable<unknown> }>): Promise<void> {
    for await (const { page } of pages) this.#read(page).catch(() => {});
  }

  async #wait<T>(who: string, promise: Promise<T>): Promise<T> {
    const name = `${who} ${++this.#count}`;
    this.waiting.add(name);
    try {
      return await promise;
    } finally {
      this.waiting.delete(name);
    }
  }
}

const seeds = Array.from({ length: process.env["CI"] === "true" ? 200 : 30 }, (_, index) => index + 1);

it.each(seeds)("every source ends, and nobody waits for ever: seed %i", async (seed) => {
  const world = new World(seed);
  const { random, network } = world;
  for (let step = 0; step < 25; step++) {
    const what = random.integer(0, 15);
    if (what < 11) world.call();
    else if (what < 13) network.connections[0]?.cut();
    else if (what === 13) world.deploy();
    else if (what === 14 && random.chance(0.3)) world.reopen();
    await network.advance(random.pick([0, 1, 10, 100, 400]));
  }
  await world.end();
  expect([...world.waiting]).toEqual([]);
});
