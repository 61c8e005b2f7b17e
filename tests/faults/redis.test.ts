import { TautlineError } from "@tautline/core";
import { SeededRandom } from "@tautline/core/testing";
import { redisBroker } from "@tautline/redis";
import type {
  Broker,
  BrokerTopic,
  FollowListener,
  HistoryLimits,
  Position,
  PositionGap,
  StoredEvent,
} from "@tautline/server";
import { describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach, turn, until } from "../fixture/cleanup.ts";
import { eventually } from "../fixture/eventually.ts";
import { hasRedis, RedisServer } from "../fixture/redis-server.ts";
import { type Fault, type Route, startTcpProxy, type TcpProxy } from "../fixture/tcp-proxy.ts";

cleanUpAfterEach();

const firstSeed = Number(process.env["TAUTLINE_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const schedules = Number(process.env["TAUTLINE_SCHEDULES"] ?? (process.env["CI"] ? 20 : 4));
const keys = ["a", "b", "c", "d"];
const eventsOfKey = 250;
const roomy: HistoryLimits = { maxEvents: 100_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 * 1024 };

/** What became of each event of a key that was published, in their order. */
type Outcome = "stored" | "refused" | "unknown";

/** Writes down what it hears. */
class Witness implements FollowListener {
  readonly heard: (StoredEvent | PositionGap)[] = [];
  started = 0;

  onStarted(): void {
    this.started++;
  }

  onEvent(event: StoredEvent): void {
    this.heard.push(event);
  }

  onGap(gap: PositionGap): void {
    this.heard.push(gap);
  }

  get gaps(): readonly PositionGap[] {
    return this.heard.filter((each) => "from" in each);
  }

  get numbers(): readonly number[] {
    return this.heard.flatMap((each) => ("text" in each ? [Number(each.text)] : []));
  }
}

/**
 * What is wrong with what somebody has heard, knowing what was published. Where nobody knows whether an event was stored it may come, at
 * any place: it may have been under way for long.
 */
function violations(witness: Witness, outcomes: readonly Outcome[]): string[] {
  const found: string[] = [];
  const heard = new Set<number>();
  let last = -1;
  let position: Position | undefined;
  let excused = false;
  const goTo = (number: number): void => {
    const missed = outcomes.slice(last + 1, number).filter((outcome) => outcome === "stored").length;
    if (missed > 0 && !excused) found.push(`${missed} missed between ${last} and ${number}, without a gap`);
    last = number;
    excused = false;
  };
  for (const each of witness.heard) {
    if ("from" in each) {
      excused = true;
      continue;
    }
    const number = Number(each.text);
    if (heard.has(number)) found.push(`${number} twice`);
    heard.add(number);
    if (outcomes[number] === "refused") found.push(`${number}, which was refused`);
    const { epoch, offset } = each.position;
    if (position?.epoch === epoch && position.offset >= offset) found.push(`${number} went back`);
    position = each.position;
    if (outcomes[number] !== "stored") continue;
    if (number < last) found.push(`${number} after ${last}`);
    goTo(number);
  }
  goTo(outcomes.length);
  return found;
}

interface Node {
  readonly broker: Broker;
  readonly topic: BrokerTopic;
  readonly proxy: TcpProxy;
}

interface WorldOptions {
  readonly args?: readonly string[];
  readonly durable?: boolean;
  readonly limits?: HistoryLimits;
  /** The nodes that publish. Default both. */
  readonly publishers?: readonly number[];
  /** How the n-th connection of a node fares. */
  readonly route?: (random: SeededRandom, index: number) => Route;
}

/** A server, two nodes that each have a way of their own to it, and traffic: one publisher and two followers for each key. */
class World {
  readonly server: RedisServer;
  readonly nodes: readonly [Node, Node];
  readonly random: SeededRandom;
  readonly outcomes = new Map<string, Outcome[]>(keys.map((key) => [key, []]));
  readonly witnesses = new Map<string, readonly Witness[]>();
  published = 0;
  /** Publishes that were refused although they could have waited. */
  impatient = 0;

  readonly #publishers: readonly Node[];

  private constructor(server: RedisServer, nodes: readonly [Node, Node], seed: number, publishers: readonly number[]) {
    this.#publishers = nodes.filter((_, index) => publishers.includes(index));
    this.server = server;
    this.nodes = nodes;
    this.random = new SeededRandom(seed);
  }

  static async create(seed: number, options: WorldOptions = {}): Promise<World> {
    const { args = [], durable = false, limits = roomy, publishers = [0, 1], route = () => ({}) } = options;
    const random = new SeededRandom(seed);
    const server = await RedisServer.start(...args);
    afterTest(() => server.close());
    const createNode = async (): Promise<Node> => {
      const proxy = await startTcpProxy(server.url, (index) => route(random, index));
      const broker = redisBroker(proxy.url, {
        durable,
        backoff: { baseMs: 5, maxMs: 50 },
        connectTimeoutMs: 300,
        heartbeatMs: 100,
        deadAfterMs: 150,
      });
      afterTest(() => broker.close());
      return { broker, topic: broker.openTopic("topic", limits), proxy };
    };
    const world = new World(server, [await createNode(), await createNode()], seed, publishers);
    for (const key of keys)
      world.witnesses.set(
        key,
        world.nodes.map(({ topic }) => world.#follow(topic, key)),
      );
    await until("all follow", () => [...world.witnesses.values()].flat().every(({ started }) => started === 1));
    return world;
  }

  /** Has traffic go on while something happens to it in its middle, and comes to its end. */
  async run(happen: (world: World) => Promise<void>): Promise<void> {
    const traffic = keys.map((key) => this.#publishAll(key));
    await until("there is traffic", () => this.published > (keys.length * eventsOfKey) / 4);
    await happen(this);
    await Promise.all(traffic);
    for (const key of keys) await this.#publishLast(key);
    await until("the last is heard", () =>
      keys.every((key) =>
        this.#witnessesOf(key).every(({ numbers }) => numbers.at(-1) === this.#outcomesOf(key).length - 1),
      ),
    );
  }

  /** @param mayGap whether somebody may have missed something. */
  expectSound(mayGap: (gap: PositionGap, node: number) => boolean): void {
    const found = keys.flatMap((key) =>
      this.#witnessesOf(key).flatMap((witness, node) => [
        ...violations(witness, this.#outcomesOf(key)).map((violation) => `${key}, node ${node}: ${violation}`),
        ...witness.gaps
          .filter((gap) => !mayGap(gap, node))
          .map((gap) => `${key}, node ${node}: unjustified ${JSON.stringify(gap)}`),
      ]),
    );
    expect(found).toEqual([]);
    expect(this.impatient).toBe(0);
  }

  get stored(): number {
    return [...this.outcomes.values()].flat().filter((outcome) => outcome === "stored").length;
  }

  get gaps(): number {
    return [...this.witnesses.values()].flat().reduce((sum, { gaps }) => sum + gaps.length, 0);
  }

  #follow(topic: BrokerTopic, key: string): Witness {
    const witness = new Witness();
    topic.follow(key, witness);
    return witness;
  }

  async #publishAll(key: string): Promise<void> {
    for (let count = 0; count < eventsOfKey; count++) {
      await this.#publish(key, this.random.chance(0.2) ? 0 : 20_000);
      // Some come in one turn, some do not.
      if (this.random.chance(0.3)) await turn();
    }
  }

  /** One that is known to be stored: of one whose outcome is unknown nobody may ever hear. */
  async #publishLast(key: string): Promise<void> {
    for (let tries = 0; tries < 20; tries++) {
      await this.#publish(key, 20_000);
      if (this.#outcomesOf(key).at(-1) === "stored") return;
    }
    expect.fail("nothing is stored any more");
  }

  async #publish(key: string, waitMs: number): Promise<void> {
    const outcomes = this.#outcomesOf(key);
    const number = outcomes.length;
    outcomes.push("unknown");
    this.published++;
    const id = this.random.chance(0.5) ? `id ${number}` : undefined;
    try {
      await this.random.pick(this.#publishers).topic.publish(key, String(number), { id, waitMs });
      outcomes[number] = "stored";
    } catch (thrown) {
      const { code } = TautlineError.from(thrown);
      if (code === "SERVICE_UNAVAILABLE") {
        outcomes[number] = "refused";
        if (waitMs > 0) this.impatient++;
      } else expect(code).toBe("OUTCOME_UNKNOWN");
    }
  }

  #outcomesOf(key: string): Outcome[] {
    return this.outcomes.get(key) ?? [];
  }

  #witnessesOf(key: string): readonly Witness[] {
    return this.witnesses.get(key) ?? [];
  }
}

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
          server.pause();
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
