/** Events that many get go over channels: exactly once and in order for each subscription, whatever joins, leaves, waits and breaks. */
import { SeededRandom } from "@tautline/core/testing";
import { describe, expect, it } from "vitest";
import { Subscriber, World } from "./fixture/channel-world.ts";

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
