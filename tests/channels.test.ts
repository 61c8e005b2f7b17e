/** Events that many get go over channels: exactly once and in order for each subscription, whatever joins, leaves, waits and breaks. */
import { type ContractClient, createClient } from "@tautline/client";
import { contract, rich, subscription } from "@tautline/core";
import { MemoryNetwork, SeededRandom } from "@tautline/core/testing";
import { createHub, type Hub, implement, type SlowPolicy, type TopicOptions } from "@tautline/server";
import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const Post = z.object({ n: z.number(), at: z.date(), text: z.string() });
const Input = z.object({ name: z.string(), policy: z.enum(["buffer", "latest", "close"]) });
const api = contract({
  posts: subscription({ input: Input, output: Post }),
  marked: subscription({ input: Input, output: Post, tracked: true }),
  odd: subscription({ input: Input, output: Post }),
  shot: subscription({ input: Input, output: Post }),
  slow: subscription({ input: Input, output: Post.refine(async () => true) }),
});
type Kind = keyof typeof api;
const t = initTRPC.create({ transformer: rich });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the server has sent, counted by message type, and how often each event was sent over a channel to each connection. */
class Wire {
  readonly counts = new Map<number, number>();
  readonly events = new Map<string, number>();

  onSent(frame: unknown, connection: object): void {
    if (typeof frame !== "string") return;
    for (const message of JSON.parse(frame) as [number, ...unknown[]][]) {
      this.counts.set(message[0], (this.counts.get(message[0]) ?? 0) + 1);
      if (message[0] === 35) this.#onEvent(`${this.#number(connection)} ${JSON.stringify(message.slice(1, 3))}`);
    }
  }

  count(type: number): number {
    return this.counts.get(type) ?? 0;
  }

  readonly #numbers = new Map<object, number>();

  #number(connection: object): number {
    const number = this.#numbers.get(connection) ?? this.#numbers.size;
    this.#numbers.set(connection, number);
    return number;
  }

  #onEvent(event: string): void {
    this.events.set(event, (this.events.get(event) ?? 0) + 1);
  }
}

/** A hub with a topic, a server, and clients that come and go. */
class World {
  readonly wire = new Wire();
  readonly network: MemoryNetwork;
  readonly hub: Hub;
  readonly topic;
  readonly server: MemoryServer;
  readonly clients: ContractClient<typeof api>[] = [];
  /** How many events there were when a subscription began, by its name. */
  readonly begins = new Map<string, number>();
  /** The number of each event, by its id. */
  readonly numbers = new Map<string, number>();
  published = 0;

  constructor(options: TopicOptions = {}, seed = 1, clients = 1) {
    const { wire, begins } = this;
    this.network = new MemoryNetwork({
      settle,
      seed,
      onTraffic: ({ from, step, frame }, connection) => {
        if (from === "server" && step === "sent") wire.onSent(frame, connection);
      },
    });
    this.hub = createHub({ clock: this.network.clock });
    const topic = this.hub.topic("posts", Post, options);
    this.topic = topic;
    const begin = ({ name, policy }: z.output<typeof Input>, first = this.published) => {
      if (!begins.has(name)) begins.set(name, first);
      return { policy };
    };
    const { procedures, router } = implement(api, t);
    this.server = createMemoryServer({
      router: router({
        posts: procedures.posts.subscription(({ input }) => topic.subscribe("a", begin(input))),
        marked: procedures.marked.subscription(({ input }) => topic.subscribe("a", begin(input))),
        odd: procedures.odd.subscription(({ input }) =>
          topic.subscribe("a", begin(input)).filter(({ n }) => n % 2 === 1),
        ),
        // A snapshot counts as the newest event that is in it.
        shot: procedures.shot.subscription(({ input }) =>
          topic.subscribe("a", { ...begin(input, this.published - 1), snapshot: () => this.#takeSnapshot() }),
        ),
        slow: procedures.slow.subscription(({ input }) => topic.subscribe("a", begin(input))),
      }),
      network: this.network,
      onError: () => {},
    });
    for (let count = 0; count < clients; count++) this.#createClient();
  }

  publish(text = ""): void {
    const n = ++this.published;
    void this.topic.publish("a", { n, at: new Date(n), text }).then(({ id }) => this.numbers.set(id, n));
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.connection.close();
    const closing = this.server.close({ drainMs: 0 });
    await this.network.advance(10);
    await closing;
    await this.hub.close();
    expect(this.network.clock.timers).toBe(0);
  }

  async #takeSnapshot(): Promise<z.output<typeof Post>> {
    const n = this.published;
    await new Promise<void>((resolve) => this.network.clock.setTimeout(resolve, 7));
    return { n, at: new Date(n), text: "" };
  }

  #createClient(): void {
    const { url } = this.server;
    this.clients.push(createClient({ contract: api, url, transformer: rich, ...this.network.clientOptions }));
  }
}

/** A subscription, and what it has got. */
class Subscriber {
  readonly name: string;
  readonly got: number[] = [];
  readonly gaps: [from: string, to: string][] = [];
  ended: unknown = undefined;
  paused = false;
  readonly #kind: Kind;
  readonly #world: World;
  readonly #subscribed: { unsubscribe(): void };
  #release: (() => void)[] = [];

  constructor(world: World, client: ContractClient<typeof api>, kind: Kind, name: string, policy: SlowPolicy) {
    this.#world = world;
    this.#kind = kind;
    this.name = name;
    const callbacks = {
      onGap: (gap?: { from: string; to: string }) => this.gaps.push([gap?.from ?? "", gap?.to ?? ""]),
      onError: (error: unknown) => {
        this.ended = error;
      },
    };
    const input = { name, policy };
    this.#subscribed =
      kind === "marked"
        ? client.marked.subscribe(input, { ...callbacks, onData: ({ id, data }) => this.#onData(data, id) })
        : client[kind].subscribe(input, { ...callbacks, onData: (data) => this.#onData(data) });
  }

  resume(): void {
    this.paused = false;
    for (const release of this.#release.splice(0)) release();
  }

  unsubscribe(): void {
    this.#subscribed.unsubscribe();
  }

  /** Everything since it began, up to what it got last, each once and in order, or within a gap. */
  check(complete: boolean): void {
    const { got, name, gaps } = this;
    const { begins, numbers, published } = this.#world;
    const begin = begins.get(name);
    if (begin === undefined) return expect(got).toEqual([]);
    const last = complete ? published : (got.at(-1) ?? begin);
    const spans = gaps.map(([from, to]) => [numbers.get(from) ?? 0, numbers.get(to) ?? 0] as const);
    const inGap = (n: number): boolean => spans.some(([from, to]) => from < n && n <= to);
    const seen = new Set(got);
    const missing: number[] = [];
    for (let n = begin + 1; n <= last; n++) if (!seen.has(n) && !inGap(n) && this.#wants(n)) missing.push(n);
    expect({ name, kind: this.#kind, missing }).toEqual({ name, kind: this.#kind, missing: [] });
    expect(got).toEqual([...seen].sort((a, b) => a - b));
    expect(got.filter((n) => n <= begin || !this.#wants(n))).toEqual([]);
  }

  #wants(n: number): boolean {
    return this.#kind !== "odd" || n % 2 === 1;
  }

  #onData(data: z.output<typeof Post>, id?: string): Promise<void> | undefined {
    expect(data.at).toEqual(new Date(data.n));
    if (this.#kind === "marked" && id !== undefined) expect(this.#world.numbers.get(id) ?? data.n).toBe(data.n);
    this.got.push(data.n);
    if (!this.paused) return undefined;
    return new Promise((resolve) => this.#release.push(resolve));
  }
}

describe("events over channels", () => {
  it("are sent once to each session, whatever it has of identical subscriptions, and once they are known to be wanted by many", async () => {
    const world = new World({}, 1, 3);
    const subscribers = world.clients.flatMap((client, index) =>
      [1, 2, 3].map((count) => new Subscriber(world, client, "posts", `${index} ${count}`, "buffer")),
    );
    await world.network.advance(10);
    for (let count = 0; count < 5; count++) {
      world.publish();
      await world.network.advance(5);
    }
    for (const subscriber of subscribers) subscriber.check(true);
    expect(world.wire.count(34)).toBe(9);
    expect(world.wire.count(35)).toBe(3 * 5);
    // The first one, before they have joined the first of their session.
    expect(world.wire.count(26)).toBe(3 * 2);
    await world.close();
  });

  it("show their ids to those who want to see them, on the same channel", async () => {
    const world = new World();
    const [client] = world.clients;
    if (client === undefined) throw new Error("no client");
    const subscribers = (["marked", "posts"] as const).map(
      (kind) => new Subscriber(world, client, kind, kind, "buffer"),
    );
    await world.network.advance(10);
    world.publish();
    await world.network.advance(5);
    for (const subscriber of subscribers) subscriber.check(true);
    await world.close();
  });

  it("go to a single subscriber of a key by themselves", async () => {
    const world = new World();
    const [client] = world.clients;
    if (client === undefined) throw new Error("no client");
    const subscriber = new Subscriber(world, client, "posts", "one", "buffer");
    await world.network.advance(10);
    world.publish();
    await world.network.advance(5);
    subscriber.check(true);
    expect(world.wire.count(26)).toBe(1);
    expect(world.wire.count(34)).toBe(0);
    await world.close();
  });

  it("come after a cut as they would have come before it", async () => {
    const world = new World({}, 1, 2);
    const subscribers = world.clients.map(
      (client, index) => new Subscriber(world, client, "posts", `${index}`, "buffer"),
    );
    await world.network.advance(10);
    world.publish();
    await world.network.advance(5);
    world.publish();
    for (const connection of world.network.connections) connection.cut();
    world.publish();
    await world.network.advance(5_000);
    for (const subscriber of subscribers) subscriber.check(true);
    expect(world.wire.count(26)).toBe(0);
    await world.close();
  });

  it("are each reader's own where several calls of a client get one", async () => {
    const world = new World();
    const [client] = world.clients;
    const names: string[] = [];
    for (const name of ["a", "b"])
      client?.posts.subscribe(
        { name, policy: "buffer" },
        {
          onData: (post) => {
            names.push(post.text);
            post.text = "changed";
          },
        },
      );
    await world.network.advance(10);
    world.publish("as it was");
    await world.network.advance(5);
    expect(names).toEqual(["as it was", "as it was"]);
    await world.close();
  });

  it("are not shared where they are large", async () => {
    const world = new World({}, 1, 2);
    const subscribers = world.clients.map(
      (client, index) => new Subscriber(world, client, "posts", `${index}`, "buffer"),
    );
    await world.network.advance(10);
    for (const length of [10, 300_000, 10, 10]) {
      world.publish("x".repeat(length));
      await world.network.advance(50);
    }
    for (const subscriber of subscribers) subscriber.check(true);
    expect(world.wire.count(26)).toBe(2);
    expect(world.wire.count(35)).toBe(2 * 3);
    await world.close();
  });
});

describe("random subscriptions, credit, cuts and publishes", () => {
  const total = new Map<number, number>();
  const seeds = Array.from({ length: process.env["CI"] === "true" ? 400 : 60 }, (_, index) => index + 1);

  it.each(seeds)("give each subscriber each event once, in order: seed %i", async (seed) => {
    const random = new SeededRandom(seed);
    const buffer = random.chance(0.5) ? {} : { maxEvents: random.integer(1, 12) };
    const world = new World({ buffer }, seed, random.integer(1, 3));
    // Who publishes while an event is on its way to others.
    const nested = world.topic.subscribe("a").filter(({ n }) => {
      if (n % 5 === 0 && n === world.published) world.publish();
      return false;
    });
    const reading = nested[Symbol.asyncIterator]();
    if (random.chance(0.5)) void reading.next();
    const open = new Set<Subscriber>();
    const all: Subscriber[] = [];
    for (let step = 0; step < 120; step++) await takeStep(world, random, open, all);
    for (const subscriber of open) subscriber.resume();
    await world.network.advance(40_000);
    world.publish();
    await world.network.advance(1_000);
    for (const subscriber of all) subscriber.check(open.has(subscriber) && subscriber.ended === undefined);
    for (const [type, count] of world.wire.counts) total.set(type, (total.get(type) ?? 0) + count);
    for (const subscriber of open) subscriber.unsubscribe();
    await reading.return?.();
    await world.close();
  });

  it("have used all of it", () => {
    for (const type of [26, 33, 34, 35]) expect(total.get(type) ?? 0).toBeGreaterThan(seeds.length);
  });
});

async function takeStep(world: World, random: SeededRandom, open: Set<Subscriber>, all: Subscriber[]): Promise<void> {
  const [first] = open;
  const one = first === undefined ? undefined : random.pick([...open]);
  switch (random.integer(0, 9)) {
    case 0: {
      const kind = random.pick(["posts", "posts", "posts", "marked", "odd", "shot", "slow"] as const);
      const policy = random.pick(["buffer", "buffer", "latest", "close"] as const);
      const subscriber = new Subscriber(world, random.pick(world.clients), kind, `${all.length}`, policy);
      open.add(subscriber);
      all.push(subscriber);
      return;
    }
    case 1:
      if (one !== undefined && open.size > 4) {
        one.unsubscribe();
        open.delete(one);
      }
      return;
    case 2:
      if (one !== undefined) one.paused = true;
      return;
    case 3:
      return one?.resume();
    case 4:
      if (random.chance(0.3)) random.pick([...world.network.connections, undefined])?.cut();
      return;
    case 5:
      return world.network.advance(random.integer(1, 30));
    default:
      for (let count = random.integer(1, 4); count > 0; count--)
        world.publish("x".repeat(random.pick([0, 0, 200, 3_000, 60_000])));
      if (random.chance(0.5)) await world.network.advance(2);
  }
}
