import { createClient, type RouterClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type BundledProgram, bundleProgram } from "./fixture/bundled-program.ts";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { Killable } from "./fixture/killable.ts";
import { hasNats, NatsServer } from "./fixture/nats-server.ts";
import type { RecoveryRouter } from "./fixture/recovery-server.ts";
import { hasRedis, RedisServer } from "./fixture/redis-server.ts";
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
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface BackendKind {
  readonly program: string;
  readonly isThere: boolean;
  readonly start: () => Promise<Backend>;
}

const kinds: readonly BackendKind[] = [
  { program: "redis-server", isThere: hasRedis, start: () => RedisServer.start() },
  { program: "nats-server", isThere: hasNats, start: () => NatsServer.start() },
];

/** Two servers in processes of their own that share a store, and a client whose mutation runs at the first of them. */
class World {
  readonly backend: Backend;
  readonly first: Node;
  readonly second: Node;
  readonly client: RouterClient<RecoveryRouter>;
  #at: Node;

  private constructor(backend: Backend, first: Node, second: Node) {
    this.backend = backend;
    this.first = first;
    this.second = second;
    this.#at = first;
    const url = (): string => this.#at.proxy.url;
    this.client = closing(createClient<RecoveryRouter>({ url, transformer: rich, backoff: { baseMs: 1, maxMs: 10 } }));
  }

  static async create(kind: BackendKind, program: BundledProgram): Promise<World> {
    const backend = await kind.start();
    afterTest(() => backend.close());
    const world = new World(
      backend,
      await World.startNode(program, backend.url),
      await World.startNode(program, backend.url),
    );
    expect(await world.client.ping.query()).toBe("pong");
    return world;
  }

  static async startNode(program: BundledProgram, store: string): Promise<Node> {
    const server = new Killable(program);
    server.start("0", "60000", store);
    const [, port = ""] = await server.printed(/^listening at (\d+)$/);
    return { server, proxy: await startTcpProxy(`ws://127.0.0.1:${port}/`) };
  }

  /** How many mutations each node has started. */
  get started(): readonly number[] {
    return [this.first, this.second].map(({ server }) => server.lines.filter((line) => line.startsWith("add ")).length);
  }

  /** The client calls, and the first node runs its mutation, which waits there. */
  async begin(options: { readonly idempotent?: boolean } = {}): Promise<{ readonly answer: Promise<string> }> {
    const answer = this.client.add.mutate("a", options);
    await this.first.server.printed(/^add a$/);
    return { answer };
  }

  /** The client's connection breaks. */
  async cut(): Promise<void> {
    this.first.proxy.refuse(true);
    this.first.proxy.cut();
    await until("the client has noticed", () => this.client.connection.state.status !== "online");
  }

  /** The mutation is done, and the store knows; its client is not there to hear. */
  async finishUnheard(): Promise<void> {
    await this.cut();
    this.first.server.send("open");
    await this.first.server.printed(/^stored$/);
  }

  /** The client finds another node. */
  async move(node: Node = this.second): Promise<void> {
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
    const { answer } = await world.begin();
    await world.finishUnheard();
    await world.first.server.kill();
    await world.move();
    expect(await answer).toMatch(/^a in process/);
    expect(world.started).toEqual([1, 0]);
  });

  test.skipIf(!kind.isThere)(
    "is answered by a node that has only just been started, however slow its way to the store",
    async () => {
      const world = await World.create(kind, program);
      const { answer } = await world.begin();
      await world.finishUnheard();
      const way = await startTcpProxy(world.backend.url, () => ({
        faults: [{ direction: "down", atByte: 0, type: "stall", turns: 50_000 }],
      }));
      await world.move(await World.startNode(program, way.url));
      expect(await answer).toMatch(/^a in process/);
      expect(world.started).toEqual([1, 0]);
    },
  );

  test.skipIf(!kind.isThere)("is answered when it is done on a node that is alive", async () => {
    const world = await World.create(kind, program);
    const { answer } = await world.begin();
    await world.cut();
    await world.move();
    // It waits for longer than a node may be silent.
    await new Promise((resolve) => setTimeout(resolve, 800));
    world.second.server.send("open");
    world.first.server.send("open");
    expect(await answer).toMatch(/^a in process/);
    expect(world.started).toEqual([1, 0]);
  });

  test.skipIf(!kind.isThere)(
    "is OUTCOME_UNKNOWN, and not run again, where it ran on a node that has died",
    async () => {
      const world = await World.create(kind, program);
      world.second.server.send("open");
      const { answer } = await world.begin();
      const unknown = rejection(answer);
      await world.first.server.kill();
      await world.move();
      expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(world.started).toEqual([1, 0]);
      expect(await world.client.add.mutate("b")).toMatch(/^b in process/);
    },
  );

  test.skipIf(!kind.isThere)("is run again where it ran on a node that has died, if it is idempotent", async () => {
    const world = await World.create(kind, program);
    world.second.server.send("open");
    const { answer } = await world.begin({ idempotent: true });
    await world.first.server.kill();
    await world.move();
    expect(await answer).toMatch(/^a in process/);
    expect(world.started).toEqual([1, 1]);
  });

  test.skipIf(!kind.isThere)(
    "is OUTCOME_UNKNOWN, and not run again, where the store was flushed meanwhile",
    async () => {
      const world = await World.create(kind, program);
      world.second.server.send("open");
      const { answer } = await world.begin();
      const unknown = rejection(answer);
      await world.cut();
      await world.backend.flush();
      await world.move();
      expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(world.started).toEqual([1, 0]);
    },
  );
});
