import { cp, rm } from "node:fs/promises";
import { SeededRandom } from "@tautline/core/testing";
import { natsBroker } from "@tautline/nats";
import type { Broker, BrokerTopic, HistoryLimits } from "@tautline/server";
import { describe, expect, test, vi } from "vitest";
import { BrokerTraffic } from "../fixture/broker-traffic.ts";
import { afterTest, cleanUpAfterEach, until } from "../fixture/cleanup.ts";
import { hasNats, NatsServer } from "../fixture/nats-server.ts";
import { type Fault, type Route, startTcpProxy, type TcpProxy } from "../fixture/tcp-proxy.ts";

cleanUpAfterEach();

const firstSeed = Number(process.env["TAUTLINE_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const schedules = Number(process.env["TAUTLINE_SCHEDULES"] ?? (process.env["CI"] ? 20 : 4));
const roomy: HistoryLimits = { maxEvents: 100_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 * 1024 };
const everything = { limit: 10_000, maxBytes: Number.POSITIVE_INFINITY };

interface Node {
  readonly broker: Broker;
  readonly topic: BrokerTopic;
  readonly proxy: TcpProxy;
}

interface World {
  readonly server: NatsServer;
  readonly random: SeededRandom;
  readonly nodes: readonly [Node, Node];
  readonly traffic: BrokerTraffic;
}

interface WorldOptions {
  readonly limits?: HistoryLimits;
  /** The nodes that publish. Default both. */
  readonly publishers?: readonly number[];
  /** How the n-th connection of a node fares. */
  readonly route?: (random: SeededRandom, index: number) => Route;
}

/** A server and two nodes, each with a way of its own to it. */
async function createWorld(seed: number, options: WorldOptions = {}): Promise<World> {
  const { limits = roomy, publishers = [0, 1], route = () => ({}) } = options;
  const random = new SeededRandom(seed);
  const server = await NatsServer.start();
  afterTest(() => server.close());
  const createNode = async (): Promise<Node> => {
    const proxy = await startTcpProxy(server.url, (index) => route(random, index));
    const broker = natsBroker({
      servers: `127.0.0.1:${proxy.port}`,
      backoff: { baseMs: 5, maxMs: 50 },
      answerMs: 500,
      heartbeatMs: 100,
      probeMs: 200,
      random: () => random.next(),
    });
    afterTest(() => broker.close());
    return { broker, topic: broker.openTopic("topic", limits), proxy };
  };
  const nodes = [await createNode(), await createNode()] as const;
  const traffic = new BrokerTraffic({ topics: nodes.map(({ topic }) => topic), random, publishers });
  return { server, random, nodes, traffic };
}

const never = (): boolean => false;
const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The streams of the topic. */
async function topicStreams(server: NatsServer): Promise<string[]> {
  return await server.manage(async (manager) =>
    (await server.streams(manager)).filter((name) => name.startsWith("tautline-topic-")),
  );
}

describe.skipIf(!hasNats)(
  `NATS in the middle of traffic (seeds from ${firstSeed}; skipped without nats-server)`,
  { timeout: 120_000 },
  () => {
    test("that is killed twice and keeps its store: no gap", async () => {
      const { server, traffic } = await createWorld(firstSeed);
      await traffic.run(async () => {
        for (let round = 0; round < 2; round++) {
          await server.kill();
          await pass(50);
          await server.start();
          await pass(50);
        }
      });
      expect(traffic.violations(never)).toEqual([]);
    });

    test("that is killed and loses its store: gaps from one epoch to the next, and nothing twice", async () => {
      const { server, traffic } = await createWorld(firstSeed + 1);
      await traffic.run(async () => {
        await server.kill();
        await server.wipe();
        await server.start();
      });
      expect(traffic.violations(({ from, to }) => from.epoch !== to.epoch)).toEqual([]);
      expect(traffic.gaps).toHaveLength(8);
    });

    test("that is paused, for longer than it may be and for less: no gap", async () => {
      const { server, traffic } = await createWorld(firstSeed + 2);
      await traffic.run(async () => {
        for (const ms of [1_200, 50, 700]) {
          await server.pause();
          await pass(ms);
          server.goOn();
          await pass(50);
        }
      });
      expect(traffic.violations(never)).toEqual([]);
    });

    test("whose stream is deleted: gaps from one epoch to the next", async () => {
      const { server, traffic } = await createWorld(firstSeed + 3);
      await traffic.run(async () => await server.flush());
      expect(traffic.violations(({ from, to }) => from.epoch !== to.epoch)).toEqual([]);
      expect(traffic.gaps).toHaveLength(8);
    });

    test("whose stream is deleted while nobody publishes: everybody who follows is told", async () => {
      const { server, nodes } = await createWorld(firstSeed + 4);
      const gaps: string[] = [];
      let started = 0;
      for (const { topic } of nodes)
        topic.follow("key", {
          onStarted: () => void started++,
          onEvent: () => {},
          onGap: ({ from, to }) => gaps.push(from.epoch === to.epoch ? "the same" : "another"),
        });
      await until("both follow", () => started === 2);
      await server.flush();
      await until("both are told", () => gaps.length === 2);
      expect(gaps).toEqual(["another", "another"]);
    });

    test("whose stream is purged: a gap for whoever was away, and none for the others", async () => {
      const { server, nodes, traffic } = await createWorld(firstSeed + 5, { publishers: [1] });
      await traffic.run(async () => {
        const [{ proxy }] = nodes;
        proxy.refuse(true);
        proxy.cut();
        const before = traffic.published;
        await until("something is missed", () => traffic.published > before + 100);
        await server.manage(async (manager) => {
          for (const name of await server.streams(manager)) await manager.streams.purge(name);
        });
        proxy.refuse(false);
      });
      expect(traffic.violations(({ from, to }, node) => node === 0 && from.epoch === to.epoch)).toEqual([]);
      expect(traffic.gaps).toHaveLength(4);
    });

    test("whose stream is trimmed by its limits: a gap for whoever was away too long, and none for the others", async () => {
      for (const limits of [
        { ...roomy, maxEvents: 20 },
        { ...roomy, maxBytes: 40 },
      ]) {
        const { nodes, traffic } = await createWorld(firstSeed + 6, { publishers: [1], limits });
        await traffic.run(async () => {
          const [{ proxy }] = nodes;
          proxy.refuse(true);
          proxy.cut();
          const before = traffic.published;
          await until("much is missed", () => traffic.published > before + 400);
          proxy.refuse(false);
        });
        expect(traffic.violations(({ from, to }, node) => node === 0 && from.epoch === to.epoch)).toEqual([]);
        expect(traffic.gaps).toHaveLength(4);
      }
    });

    test("whose store loses its end: it is put aside, and everybody is told", async () => {
      const { server, nodes, traffic } = await createWorld(firstSeed + 7);
      const [{ topic }] = nodes;
      for (let count = 0; count < 10; count++) await topic.publish("a", `before ${count}`, { waitMs: 1_000 });
      const backup = `${server.store}-backup`;
      await server.kill();
      await cp(server.store, backup, { recursive: true });
      await server.start();
      await traffic.run(async () => {
        await server.kill();
        await server.wipe();
        await cp(backup, server.store, { recursive: true });
        await server.start();
      });
      await rm(backup, { recursive: true });
      expect(traffic.violations(({ from, to }) => from.epoch !== to.epoch)).toEqual([]);
      expect(traffic.gaps).toHaveLength(8);
      expect(await topicStreams(server)).toHaveLength(2);
    });

    test("whose connections are cut again and again, at any moment: no gap", async () => {
      for (let seed = firstSeed + 8; seed < firstSeed + 11; seed++) {
        const { nodes, random, traffic } = await createWorld(seed);
        await traffic.run(async () => {
          for (let round = 0; round < 10; round++) {
            random.pick(nodes).proxy.cut(random.pick(["cut", "reset"]));
            await pass(random.integer(0, 40));
          }
        });
        expect(traffic.violations(never)).toEqual([]);
        expect(traffic.stored).toBeGreaterThan(250);
      }
    });

    test("whose connections are cut at any byte, stall or fall silent: no gap", async () => {
      let faults = 0;
      for (let seed = firstSeed + 11; seed < firstSeed + 11 + schedules; seed++) {
        const { nodes, traffic } = await createWorld(seed, { route: randomRoute });
        await traffic.run(async () => {});
        expect(traffic.violations(never)).toEqual([]);
        for (const { proxy } of nodes) for (const each of proxy.connections) faults += each.faults.length;
      }
      expect(faults).toBeGreaterThan(schedules);
    });

    test("leaves nothing behind of 100,000 follows that were begun and ended", async () => {
      const { server, nodes } = await createWorld(firstSeed);
      const [{ topic }] = nodes;
      let started = 0;
      const listener = { onStarted: () => void started++, onEvent: () => {}, onGap: () => {} };
      topic.follow("stays", listener);
      await until("it follows", () => started === 1);
      const before = await server.subscriptions();
      for (let round = 0; round < 1_000; round++) {
        const follows = Array.from({ length: 100 }, (_, index) =>
          topic.follow(`key ${(round + index) % 300}`, listener),
        );
        if (round % 100 === 0) await until("one of them follows", () => started > round / 100);
        for (const follow of follows) follow.close();
      }
      await vi.waitFor(async () => expect(await server.subscriptions()).toBe(before));
      expect(await server.consumers()).toBe(0);
      await topic.publish("stays", "event", { waitMs: 1_000 });
      expect((await topic.history("stays", everything)).events).toHaveLength(1);
    });
  },
);

/** Each of a node's first connections has a fault, in its greeting or in the middle of traffic. */
function randomRoute(random: SeededRandom, index: number): Route {
  if (index >= 10) return {};
  const direction = random.pick(["up", "down"] as const);
  const atByte = random.integer(0, random.pick([500, 5_000, 50_000]));
  const type = random.pick(["cut", "cut", "reset", "stall"] as const);
  const fault: Fault =
    type === "stall" && random.chance(0.5) ? { direction, atByte, type, turns: 100 } : { direction, atByte, type };
  return random.chance(0.2) ? { faults: [fault], segmentBytes: random.integer(1, 100) } : { faults: [fault] };
}
