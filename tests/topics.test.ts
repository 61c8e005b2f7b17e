/** Topics over Tautline, in memory: subscribers that lose their session go on on another server, and handlers do nothing for it. */
import { type ContractClient, createClient } from "@tautline/client";
import { contract, query, rich, subscription } from "@tautline/core";
import { MemoryNetwork } from "@tautline/core/testing";
import { createHub, type Hub, implement, type TopicOptions } from "@tautline/server";
import { createMemoryServer, MemoryBackend, MemoryBroker, type MemoryServer } from "@tautline/server/testing";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
let checks = 0;
const Post = z.object({ n: z.number(), at: z.date(), text: z.string().optional() });
const CheckedPost = Post.refine(() => ++checks > 0);

/** Takes longer for greater numbers. */
const SlowlyChecked = z.number().refine(async (n) => {
  for (let turn = 0; turn < n; turn++) await settle();
  return n !== 13;
});

const api = contract({
  posts: subscription({ input: z.object({ keys: z.array(z.string()) }), output: CheckedPost }),
  marked: subscription({ output: CheckedPost, tracked: true }),
  slow: subscription({ output: SlowlyChecked }),
  small: subscription({ output: z.number().max(100) }),
  ids: query({ output: z.array(z.string()) }),
});

const t = initTRPC.create({ transformer: rich });

/** A hub, and servers on a network in memory that come and go. */
class World {
  readonly network = new MemoryNetwork({ settle });
  readonly backend = new MemoryBackend({ clock: this.network.clock });
  readonly hub: Hub = createHub({ broker: new MemoryBroker(this.backend), clock: this.network.clock });
  readonly topic;
  readonly router;
  server: MemoryServer;
  readonly client: ContractClient<typeof api>;

  constructor(options: TopicOptions = {}) {
    const topic = this.hub.topic("posts", Post, options);
    const { procedures, router } = implement(api, t);
    this.topic = topic;
    this.router = router({
      posts: procedures.posts.subscription(({ input }) => topic.subscribe(input.keys)),
      marked: procedures.marked.subscription(() => topic.subscribe("a")),
      slow: procedures.slow.subscription(() => topic.subscribe("a").map(({ n }) => n)),
      small: procedures.small.subscription(() => topic.subscribe("a").map(({ n }) => n)),
      ids: procedures.ids.query(async () => (await topic.history("a")).map(({ id }) => id)),
    });
    this.server = this.#serve();
    this.client = createClient({
      contract: api,
      url: this.server.url,
      transformer: rich,
      ...this.network.clientOptions,
    });
  }

  /** Gives the events' ids. */
  async publish(key: string, ...numbers: readonly number[]): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const n of numbers) ids.push((await this.topic.publish(key, { n, at: new Date(n) })).id);
    await this.network.advance(5);
    return ids;
  }

  /** The server is gone with all its sessions, and another is there. */
  async replaceServer(meanwhile: () => Promise<unknown>): Promise<void> {
    this.network.reachable = false;
    for (const connection of this.network.connections) connection.cut();
    const closing = this.server.close({ drainMs: 0 });
    await this.network.advance(10);
    await closing;
    await meanwhile();
    this.server = this.#serve();
    this.network.reachable = true;
    await this.network.advance(60_000);
  }

  async close(): Promise<void> {
    this.client.connection.close();
    const closing = this.server.close({ drainMs: 0 });
    await this.network.advance(10);
    await closing;
    await this.hub.close();
    this.backend.close();
    expect(this.network.clock.timers).toBe(0);
  }

  #serve(): MemoryServer {
    return createMemoryServer({ router: this.router, network: this.network, onError: () => {} });
  }
}

describe("a subscriber to a topic", () => {
  it("has started when the subscription stands, and gets items as its contract says", async () => {
    const world = new World();
    const items: unknown[] = [];
    let started = 0;
    world.client.posts.subscribe({ keys: ["a"] }, { onStarted: () => started++, onData: (item) => items.push(item) });
    await world.network.advance(10);
    expect(started).toBe(1);
    await world.publish("a", 1);
    await world.publish("b", 2);
    expect(items).toEqual([{ n: 1, at: new Date(1) }]);
    const marked: unknown[] = [];
    world.client.marked.subscribe(undefined, { onData: (item) => marked.push(item) });
    await world.network.advance(10);
    await world.publish("a", 3);
    const ids = world.client.ids.query();
    await world.network.advance(10);
    expect(marked).toEqual([{ id: (await ids)[1], data: { n: 3, at: new Date(3) } }]);
    await world.close();
  });

  it("goes on after what it has seen, on another server, whatever comes meanwhile", async () => {
    const world = new World();
    const items: number[] = [];
    const several: number[] = [];
    world.client.posts.subscribe({ keys: ["a"] }, { onData: ({ n }) => items.push(n) });
    world.client.posts.subscribe({ keys: ["b", "a"] }, { onData: ({ n }) => several.push(n) });
    await world.network.advance(10);
    await world.publish("a", 1, 2);
    for (let round = 1; round <= 3; round++) {
      await world.replaceServer(() => world.publish("a", 10 * round, 10 * round + 1));
      await world.publish("a", 10 * round + 2);
    }
    expect(items).toEqual([1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]);
    expect(several).toEqual(items);
    await world.close();
  });

  it("is told which events it has missed where they are no longer kept, and goes on after them", async () => {
    const world = new World({ history: { maxEvents: 2 } });
    const heard: unknown[] = [];
    world.client.marked.subscribe(undefined, {
      onData: ({ id, data: { n } }) => heard.push([id, n]),
      onGap: (gap) => heard.push(gap),
    });
    await world.network.advance(10);
    const [first] = await world.publish("a", 1);
    let ids: readonly string[] = [];
    await world.replaceServer(async () => {
      ids = await world.publish("a", 2, 3, 4, 5);
    });
    const gap = { from: first, to: ids[1] };
    expect(heard).toEqual([[first, 1], gap, [ids[2], 4], [ids[3], 5]]);
    await world.replaceServer(async () => {});
    const [last] = await world.publish("a", 6);
    expect(heard.slice(4)).toEqual([[last, 6]]);
    await world.close();
  });

  it("goes on after a gap that nothing has come after yet", async () => {
    const world = new World({ history: { maxEvents: 1 } });
    const heard: unknown[] = [];
    world.client.posts.subscribe({ keys: ["a"] }, { onData: ({ n }) => heard.push(n), onGap: () => heard.push("gap") });
    await world.network.advance(10);
    await world.publish("a", 1);
    world.backend.flush();
    await world.network.advance(10);
    expect(heard).toEqual([1, "gap"]);
    await world.replaceServer(async () => void (await world.publish("a", 2)));
    expect(heard).toEqual([1, "gap", 2]);
    await world.close();
  });

  it("that reads too slowly gets what was kept for it, and is told of the rest; others are not kept waiting", async () => {
    const world = new World({ buffer: { maxEvents: 20 } });
    const items = world.client.posts.subscribe({ keys: ["a"] });
    const quick: number[] = [];
    world.client.posts.subscribe({ keys: ["a"] }, { onData: ({ n }) => quick.push(n) });
    await world.network.advance(10);
    const numbers = Array.from({ length: 1_000 }, (_, index) => index + 1);
    for (const n of numbers) {
      await world.topic.publish("a", { n, at: new Date(n), text: "x".repeat(1_000) });
      await world.network.advance(5);
    }
    expect(quick).toEqual(numbers);
    const read: number[] = [];
    const gaps: number[] = [];
    const reading = (async () => {
      for await (const { n } of items) {
        if (items.gap) gaps.push(n);
        read.push(n);
        if (n === 1_000) return;
      }
    })();
    await world.network.advance(1_000);
    await reading;
    // A quarter of a megabyte goes ahead of a reader; then there are those that were kept.
    expect(read.length).toBeGreaterThan(100);
    expect(read.length).toBeLessThan(500);
    expect(gaps).toHaveLength(1);
    const [gap = 0] = gaps;
    expect(read).toEqual([...numbers.slice(0, read.indexOf(gap)), ...numbers.slice(gap - 1)]);
    await world.close();
  });

  it("is checked by its contract once for each event, however many there are", async () => {
    const world = new World();
    const counts = Array.from({ length: 20 }, () => 0);
    for (const index of counts.keys())
      world.client.posts.subscribe({ keys: ["a"] }, { onData: () => (counts[index] = (counts[index] ?? 0) + 1) });
    await world.network.advance(10);
    checks = 0;
    await world.publish("a", 1, 2, 3);
    expect(counts).toEqual(counts.map(() => 3));
    expect(checks).toBe(3);
    await world.close();
  });

  it("gets events in their order where its contract takes its time to check them", async () => {
    const world = new World();
    const heard: unknown[] = [];
    world.client.slow.subscribe(undefined, {
      onData: (n) => heard.push(n),
      onError: ({ code, message }) => heard.push(`${code} ${message}`),
    });
    await world.network.advance(10);
    await world.publish("a", 3, 2, 1);
    for (let turn = 0; turn < 20; turn++) await world.network.advance(1);
    expect(heard).toEqual([3, 2, 1]);
    await world.publish("a", 13, 14);
    for (let turn = 0; turn < 40; turn++) await world.network.advance(1);
    expect(heard).toEqual([3, 2, 1, "INTERNAL_SERVER_ERROR Output validation failed"]);
    expect(world.backend.entries).toBe(1);
    await world.close();
  });

  it("is ended by an event that does not fit its contract, and nobody else is", async () => {
    const world = new World();
    const heard: unknown[] = [];
    const others: number[] = [];
    world.client.small.subscribe(undefined, { onData: (n) => heard.push(n), onError: ({ code }) => heard.push(code) });
    world.client.posts.subscribe({ keys: ["a"] }, { onData: ({ n }) => others.push(n) });
    await world.network.advance(10);
    await world.publish("a", 1, 200, 3);
    expect(heard).toEqual([1, "INTERNAL_SERVER_ERROR"]);
    expect(others).toEqual([1, 200, 3]);
    await world.close();
  });

  it("that is gone before it has started leaves nothing", async () => {
    const world = new World({ history: false });
    const subscribed = world.client.posts.subscribe({ keys: ["a"] }, { onData: () => expect.fail("it is over") });
    await world.network.advance(1);
    subscribed.unsubscribe();
    await world.network.advance(10);
    await world.publish("a", 1);
    expect(world.backend.entries).toBe(0);
    await world.close();
  });

  it("shares its key's place in the broker with others, and the last of them leaves nothing there", async () => {
    const world = new World({ history: false });
    const open = [1, 2, 3].map(() => world.client.posts.subscribe({ keys: ["a"] }, { onData: () => {} }));
    await world.network.advance(10);
    expect(world.backend.entries).toBe(1);
    for (const subscribed of open.slice(1)) subscribed.unsubscribe();
    await world.network.advance(10);
    expect(world.backend.entries).toBe(1);
    open[0]?.unsubscribe();
    await world.network.advance(10);
    expect(world.backend.entries).toBe(0);
    await world.close();
  });
});
