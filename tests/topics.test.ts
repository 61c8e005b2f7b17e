/** Topics over Tautline, in memory: subscribers that lose their session go on on another server, and handlers do nothing for it. */
import { type ContractClient, createClient } from "@tautline/client";
import { contract, query, rich, subscription } from "@tautline/core";
import { MemoryNetwork } from "@tautline/core/testing";
import {
  type Broker,
  type BrokerTopic,
  createHub,
  type HistoryLimits,
  type Hub,
  implement,
  memoryBroker,
  type TopicOptions,
} from "@tautline/server";
import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";

let checks = 0;
const Post = z.object({ n: z.number(), at: z.date() });
const CheckedPost = Post.refine(() => ++checks > 0);

const api = contract({
  posts: subscription({ input: z.object({ keys: z.array(z.string()) }), output: CheckedPost }),
  marked: subscription({ output: CheckedPost, tracked: true }),
  ids: query({ output: z.array(z.string()) }),
});

const t = initTRPC.create({ transformer: rich });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A hub, and servers on a network in memory that come and go. */
class World {
  readonly network = new MemoryNetwork({ settle });
  /** Follows of the broker that are open. */
  follows = 0;
  readonly hub: Hub = createHub({ broker: this.#countingBroker(), clock: this.network.clock });
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

  async publish(key: string, ...numbers: readonly number[]): Promise<void> {
    for (const n of numbers) await this.topic.publish(key, { n, at: new Date(n) });
    await this.network.advance(5);
  }

  /** The server is gone with all its sessions, and another is there. */
  async replaceServer(meanwhile: () => Promise<void>): Promise<void> {
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
    expect(this.network.clock.timers).toBe(0);
  }

  #countingBroker(): Broker {
    const broker = memoryBroker({ clock: this.network.clock });
    const openTopic = broker.openTopic.bind(broker);
    return Object.assign(broker, {
      openTopic: (name: string, limits: HistoryLimits): BrokerTopic => {
        const topic = openTopic(name, limits);
        return Object.assign(topic, { follow: this.#countFollows(topic.follow.bind(topic)) });
      },
    });
  }

  #countFollows(follow: BrokerTopic["follow"]): BrokerTopic["follow"] {
    return (key, listener) => {
      const followed = follow(key, listener);
      this.follows++;
      return {
        close: () => {
          this.follows--;
          followed.close();
        },
      };
    };
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

  it("shares one follow of the broker with others of its key, which ends with the last of them", async () => {
    const world = new World();
    const open = [1, 2, 3].map(() => world.client.posts.subscribe({ keys: ["a"] }, { onData: () => {} }));
    await world.network.advance(10);
    expect(world.follows).toBe(1);
    for (const subscribed of open.slice(1)) subscribed.unsubscribe();
    await world.network.advance(10);
    expect(world.follows).toBe(1);
    open[0]?.unsubscribe();
    await world.network.advance(10);
    expect(world.follows).toBe(0);
    await world.close();
  });
});
