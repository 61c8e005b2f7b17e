import { createClient, type RouterClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { hasNats, NatsServer } from "../packages/nats/testing/nats-server.ts";
import { hasRedis, RedisServer } from "../packages/redis/testing/redis-server.ts";
import { type BundledProgram, bundleProgram } from "./fixture/bundled-program.ts";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { Killable } from "./fixture/killable.ts";
import type { RecoveryRouter } from "./fixture/recovery-server.ts";
import { startTcpProxy, type TcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();
vi.setConfig({ testTimeout: 60_000 });

interface Node {
  readonly server: Killable;
  readonly proxy: TcpProxy;
}

/** Where a store is that nodes share. */
interface Backend {
  readonly url: string;
  flush(): Promise<unknown>;
}

interface BackendKind {
  readonly program: string;
  readonly isThere: boolean;
  start(): Promise<Backend>;
}

const kinds: readonly BackendKind[] = [
  {
    program: "redis-server",
    isThere: hasRedis,
    async start() {
      const redis = await RedisServer.start();
      afterTest(() => redis.close());
      return { url: redis.url, flush: () => redis.client.flushall() };
    },
  },
  {
    program: "nats-server",
    isThere: hasNats,
    async start() {
      const nats = await NatsServer.start();
      afterTest(() => nats.close());
      return { url: nats.url, flush: () => nats.flush() };
    },
  },
];

/** Two servers in processes of their own that share a store, and a client that is at the first of them. */
class World {
  readonly backend: Backend;
  readonly nodes: readonly [Node, Node];
  readonly client: RouterClient<RecoveryRouter>;
  #at: Node;

  private constructor(backend: Backend, nodes: readonly [Node, Node]) {
    this.backend = backend;
    this.nodes = nodes;
    this.#at = nodes[0];
    const url = (): string => this.#at.proxy.url;
    this.client = closing(createClient<RecoveryRouter>({ url, transformer: rich, backoff: { baseMs: 1, maxMs: 10 } }));
  }

  static async create(kind: BackendKind, program: BundledProgram): Promise<World> {
    const backend = await kind.start();
    const startNode = (): Promise<Node> => World.startNode(program, backend.url);
    const world = new World(backend, [await startNode(), await startNode()]);
    expect(await world.client.ping.query()).toBe("pong");
    return world;
  }

  static async startNode(program: BundledProgram, store: string): Promise<Node> {
    const server = new Killable(program);
    server.start("0", "60000", store);
    const [, port = ""] = await server.printed(/^listening at (\d+)$/);
    return { server, proxy: await startTcpProxy(`ws://127.0.0.1:${port}/`) };
  }

  /** What of a mutation each node has started. */
  get started(): readonly number[] {
    return this.nodes.map(({ server }) => server.lines.filter((line) => line.startsWith("add ")).length);
  }

  /** The client's connection breaks. */
  async cut(): Promise<void> {
    this.nodes[0].proxy.refuse(true);
    this.nodes[0].proxy.cut();
    await until("the client has noticed", () => this.client.connection.state.status !== "online");
  }

  /** The client finds the other node. */
  async move(): Promise<void> {
    await this.moveTo(this.nodes[1]);
  }

  async moveTo(node: Node): Promise<void> {
    this.#at = node;
    await until("the client is online", () => this.client.connection.state.status === "online");
  }
}

describe.each(kinds)("a mutation of a client that goes to another node (skipped without $program)", (kind) => {
  let program: BundledProgram;
  beforeAll(async () => {
    program = await bundleProgram("recovery-server.ts");
  });
  afterAll(() => program?.remove());

  test.skipIf(!kind.isThere)("is answered with what it came to on a node that has died since", async () => {
    const world = await World.create(kind, program);
    const [{ server: first }] = world.nodes;
    const added = world.client.add.mutate("a");
    await first.printed(/^add a$/);
    await world.cut();
    first.send("open");
    await first.printed(/^stored$/);
    await first.kill();
    await world.move();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual([1, 0]);
  });

  test.skipIf(!kind.isThere)(
    "is answered by a node that has only just been started, however slow its way to the store",
    async () => {
      const world = await World.create(kind, program);
      const [{ server: first }] = world.nodes;
      const added = world.client.add.mutate("a");
      await first.printed(/^add a$/);
      await world.cut();
      first.send("open");
      await first.printed(/^stored$/);
      const way = await startTcpProxy(world.backend.url, () => ({
        faults: [{ direction: "down", atByte: 0, type: "stall", turns: 50_000 }],
      }));
      await world.moveTo(await World.startNode(program, way.url));
      expect(await added).toMatch(/^a in process/);
      expect(world.started).toEqual([1, 0]);
    },
  );

  test.skipIf(!kind.isThere)("is answered when it is done on a node that is alive", async () => {
    const world = await World.create(kind, program);
    const [{ server: first }, { server: second }] = world.nodes;
    const added = world.client.add.mutate("a");
    await first.printed(/^add a$/);
    await world.cut();
    await world.move();
    // It waits for longer than a node may be silent.
    await new Promise((resolve) => setTimeout(resolve, 800));
    second.send("open");
    first.send("open");
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual([1, 0]);
  });

  test.skipIf(!kind.isThere)(
    "is OUTCOME_UNKNOWN, and not run again, where it ran on a node that has died",
    async () => {
      const world = await World.create(kind, program);
      const [{ server: first }, { server: second }] = world.nodes;
      second.send("open");
      const unknown = rejection(world.client.add.mutate("a"));
      await first.printed(/^add a$/);
      await first.kill();
      await world.move();
      expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(world.started).toEqual([1, 0]);
      expect(await world.client.add.mutate("b")).toMatch(/^b in process/);
    },
  );

  test.skipIf(!kind.isThere)("is run again where it ran on a node that has died, if it is idempotent", async () => {
    const world = await World.create(kind, program);
    const [{ server: first }, { server: second }] = world.nodes;
    second.send("open");
    const added = world.client.add.mutate("a", { idempotent: true });
    await first.printed(/^add a$/);
    await first.kill();
    await world.move();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual([1, 1]);
  });

  test.skipIf(!kind.isThere)(
    "is OUTCOME_UNKNOWN, and not run again, where the store was flushed meanwhile",
    async () => {
      const world = await World.create(kind, program);
      const [{ server: first }, { server: second }] = world.nodes;
      second.send("open");
      const unknown = rejection(world.client.add.mutate("a"));
      await first.printed(/^add a$/);
      await world.cut();
      await world.backend.flush();
      await world.move();
      expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(world.started).toEqual([1, 0]);
    },
  );
});
