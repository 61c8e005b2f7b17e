import type { SeededRandom } from "@tautline/core/testing";
import { describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach, until } from "../fixture/cleanup.ts";
import { eventually } from "../fixture/eventually.ts";
import { hasRedis, RedisServer } from "../fixture/redis-server.ts";
import { eventsOfKey, keys, World } from "../fixture/redis-world.ts";
import type { Fault, Route } from "../fixture/tcp-proxy.ts";

cleanUpAfterEach();

const firstSeed = Number(process.env["TAUTLINE_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const schedules = Number(process.env["TAUTLINE_SCHEDULES"] ?? (process.env["CI"] ? 20 : 4));

const never = (): boolean => false;
const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(!hasRedis)(
  `Redis in the middle of traffic (seeds from ${firstSeed}; skipped without redis-server)`,
  { timeout: 120_000 },
  () => {
    test("that is killed and keeps nothing: gaps from one epoch to the next, and nothing twice", async () => {
      const world = await World.create(firstSeed);
      await world.run(async ({ server }) => {
        await server.kill();
        await pass(100);
        await server.start();
      });
      world.expectSound(({ from, to }) => from.epoch !== to.epoch);
      expect(world.gaps).toBe(keys.length * 2);
    });

    test("that is killed and keeps all, by its settings and by ours: no gap", async () => {
      const world = await World.create(firstSeed + 1, {
        args: ["--appendonly", "yes", "--appendfsync", "always"],
        durable: true,
      });
      await world.run(async ({ server }) => {
        for (let round = 0; round < 2; round++) {
          await server.kill();
          await pass(50);
          await server.start();
          await pass(50);
        }
      });
      world.expectSound(never);
      expect(world.gaps).toBe(0);
    });

    test("that is killed and may have lost something: a gap, because nobody knows", async () => {
      const world = await World.create(firstSeed + 2, { args: ["--appendonly", "yes", "--appendfsync", "everysec"] });
      await world.run(async ({ server }) => {
        await server.kill();
        await server.start();
      });
      world.expectSound(({ from, to }) => from.epoch !== to.epoch);
      expect(world.gaps).toBe(keys.length * 2);
      const { events } = await world.nodes[0].topic.history("a", { limit: 10_000, maxBytes: Number.POSITIVE_INFINITY });
      expect(events[0]?.text).toBe("0");
    });

    test("that is paused for longer than it may be, and for less: no gap", async () => {
      const world = await World.create(firstSeed + 3);
      await world.run(async ({ server }) => {
        for (const ms of [600, 50]) {
          await server.pause();
          await pass(ms);
          server.goOn();
          await pass(20);
        }
      });
      world.expectSound(never);
      expect(world.gaps).toBe(0);
    });

    test("that is flushed: gaps from one epoch to the next", async () => {
      const world = await World.create(firstSeed + 4);
      await world.run(({ server }) => server.flush());
      world.expectSound(({ from, to }) => from.epoch !== to.epoch);
      expect(world.gaps).toBe(keys.length * 2);
    });

    test("whose streams are trimmed: a gap for whoever was away, and none for the others", async () => {
      const world = await World.create(firstSeed + 5, { publishers: [1] });
      await world.run(async ({ server, nodes: [away], published }) => {
        away.proxy.refuse(true);
        away.proxy.cut();
        const before = published;
        await until("something is missed", () => world.published > before + 100);
        for (const name of await server.client.keys("*:events:*")) await server.client.xtrim(name, "MAXLEN", 0);
        away.proxy.refuse(false);
      });
      world.expectSound(({ from, to }, node) => node === 0 && from.epoch === to.epoch);
      expect(world.gaps).toBeGreaterThan(0);
    });

    test.each([
      ["all nodes publish", [0, 1]],
      ["one node only follows, and does not notice", [0]],
    ])(
      "that another takes over from, and that takes over again: gaps from one epoch to the next; %s",
      async (_, publishers) => {
        const atOnce = ["--repl-diskless-sync-delay", "0"];
        const world = await World.create(firstSeed + 13, { args: atOnce, publishers });
        const other = await RedisServer.start(...atOnce);
        afterTest(() => other.close());
        await other.client.replicaof("127.0.0.1", world.server.port);
        await eventually("it has a replica", async () =>
          (await world.server.client.info("replication")).includes("state=online"),
        );
        await world.run(async ({ server }) => {
          await other.client.replicaof("NO", "ONE");
          await server.client.replicaof("127.0.0.1", other.port);
          await eventually("it is a replica", async () =>
            (await server.client.info("replication")).includes("link_status:up"),
          );
          await pass(50);
          await server.client.replicaof("NO", "ONE");
        });
        world.expectSound(({ from, to }) => from.epoch !== to.epoch);
        expect(world.gaps).toBeGreaterThanOrEqual(keys.length * 2);
      },
    );

    test("whose connections are killed, and its scripts forgotten: no gap", async () => {
      const world = await World.create(firstSeed + 6);
      await world.run(async ({ server }) => {
        for (let round = 0; round < 3; round++) {
          await server.client.call("CLIENT", "KILL", "TYPE", "pubsub");
          await server.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
          await pass(20);
          await server.client.script("FLUSH");
        }
      });
      world.expectSound(never);
      expect(world.gaps).toBe(0);
    });

    test("whose connections are cut again and again, at any moment: no gap", async () => {
      for (let seed = firstSeed + 7; seed < firstSeed + 10; seed++) {
        const world = await World.create(seed);
        await world.run(async ({ nodes, random }) => {
          for (let round = 0; round < 10; round++) {
            random.pick(nodes).proxy.cut(random.pick(["cut", "reset"]));
            await pass(random.integer(0, 40));
          }
        });
        world.expectSound(never);
        expect(world.stored).toBeGreaterThan(eventsOfKey);
      }
    });

    test("whose connections are cut at any byte, stall or fall silent: no gap", async () => {
      let faults = 0;
      for (let seed = firstSeed + 10; seed < firstSeed + 10 + schedules; seed++) {
        const world = await World.create(seed, { route: randomRoute });
        await world.run(async () => {});
        world.expectSound(never);
        for (const { proxy } of world.nodes) for (const each of proxy.connections) faults += each.faults.length;
      }
      expect(faults).toBeGreaterThan(schedules);
    });
  },
);

/** Each of a node's first connections has a fault, in its greeting or in the middle of traffic. */
function randomRoute(random: SeededRandom, index: number): Route {
  if (index >= 10) return {};
  const direction = random.pick(["up", "down"] as const);
  const atByte = random.integer(0, random.pick([100, 5_000, 30_000]));
  const type = random.pick(["cut", "cut", "reset", "stall"] as const);
  const fault: Fault =
    type === "stall" && random.chance(0.5) ? { direction, atByte, type, turns: 100 } : { direction, atByte, type };
  return random.chance(0.2) ? { faults: [fault], segmentBytes: random.integer(1, 100) } : { faults: [fault] };
}
