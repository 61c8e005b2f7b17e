/**
 * The table of recovery: what becomes of what is in flight when the connection breaks, where the session is resumed and where it is
 * lost. Its rows for topics, uploads and duplex streams follow with those.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type RouterClient } from "@tautline/client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { type BundledProgram, bundleProgram, Killable } from "./fixture/killable.ts";
import type { RecoveryRouter } from "./fixture/recovery-server.ts";
import { startTcpProxy, type TcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();
// Each test starts a process, and half of them a second one.
vi.setConfig({ testTimeout: 30_000 });

let program: BundledProgram;

beforeAll(async () => {
  program = await bundleProgram("recovery-server.ts");
});

afterAll(() => program.remove());

interface Situation {
  readonly windowMs: number;
  /** The connection breaks, and nothing new is connected. */
  breakOff(world: World): Promise<void>;
  /** What happens before the client can connect again. */
  meanwhile(world: World): Promise<void>;
}

async function cutTheNetwork({ proxy, client }: World): Promise<void> {
  proxy.refuse(true);
  proxy.cut();
  await until("the client has noticed", () => client.connection.state.status === "reconnecting");
}

const resumed: Situation = { windowMs: 60_000, breakOff: cutTheNetwork, meanwhile: async () => {} };

const lost: Readonly<Record<string, Situation>> = {
  "its window is over": {
    windowMs: 20,
    breakOff: cutTheNetwork,
    meanwhile: async ({ server }) => void (await server.printed(/^session lost$/)),
  },
  "the server was killed and started again": {
    windowMs: 60_000,
    breakOff: async ({ server, client, proxy }) => {
      proxy.refuse(true);
      await server.kill();
      await until("the client has noticed", () => client.connection.state.status === "reconnecting");
    },
    meanwhile: (world) => world.restart(),
  },
};

/** A server in a process of its own, and a client that reaches it through a proxy. */
class World {
  readonly server: Killable;
  readonly client: RouterClient<RecoveryRouter>;
  readonly proxy: TcpProxy;
  readonly #situation: Situation;
  readonly #args: readonly string[];

  private constructor(situation: Situation, proxy: TcpProxy, args: readonly string[], server: Killable) {
    this.#situation = situation;
    this.#args = args;
    this.proxy = proxy;
    this.server = server;
    this.client = closing(
      createClient<RecoveryRouter>({ url: proxy.url, backoff: { baseMs: 1, maxMs: 4 }, lazy: false }),
    );
  }

  static async start(situation: Situation, store = "none"): Promise<World> {
    const server = new Killable(program);
    server.start("0", `${situation.windowMs}`, store);
    const [, port = ""] = await server.printed(/^listening at (\d+)$/);
    const proxy = await startTcpProxy(`ws://127.0.0.1:${port}/`);
    const world = new World(situation, proxy, [port, `${situation.windowMs}`, store], server);
    expect(await world.client.ping.query()).toBe("pong");
    return world;
  }

  /** The lines that handlers have printed. */
  get started(): readonly string[] {
    return this.server.lines.filter((line) => /^(get|add|news|log)/.test(line));
  }

  breakOff(): Promise<void> {
    return this.#situation.breakOff(this);
  }

  /** The session is resumed, or a new one opened. */
  async comeBack(): Promise<void> {
    await this.#situation.meanwhile(this);
    this.proxy.refuse(false);
    await until("the client is back", () => this.client.connection.state.status === "online");
  }

  async restart(): Promise<void> {
    this.server.start(...this.#args);
    await this.server.printed(/^listening/, 2);
  }

  /** Handlers go on from where they wait. */
  openGate(): void {
    this.server.send("open");
  }
}

/** Every item, and where a gap was told. */
function follow(world: World, path: "news" | "log"): { readonly heard: readonly unknown[] } {
  const heard: unknown[] = [];
  const callbacks = {
    onData: (item: unknown) => heard.push(item),
    onGap: () => heard.push("a gap"),
    onError: (error: unknown) => heard.push(error),
  };
  if (path === "news") world.client.news.subscribe(undefined, callbacks);
  else world.client.log.subscribe(undefined, callbacks);
  return { heard };
}

/** The same, by a loop. */
function followInLoop(world: World): { readonly heard: readonly unknown[] } {
  const heard: unknown[] = [];
  void (async () => {
    const items = world.client.news.subscribe();
    for await (const item of items) heard.push(...(items.gap ? ["a gap"] : []), item);
  })().catch((error: unknown) => heard.push(error));
  return { heard };
}

function events(...ids: readonly number[]): unknown[] {
  return ids.map((id) => ({ id: `${id}`, data: id }));
}

describe("where the session is resumed", () => {
  it("a query goes on, and is answered once", async () => {
    const world = await World.start(resumed);
    const got = world.client.get.query();
    await world.server.printed(/^get$/);
    await world.breakOff();
    await world.comeBack();
    world.openGate();
    expect(await got).toMatch(/^process/);
    expect(world.started).toEqual(["get"]);
  });

  it("a query that was answered while the connection was away is answered after it", async () => {
    const world = await World.start(resumed);
    const got = world.client.get.query();
    await world.server.printed(/^get$/);
    await world.breakOff();
    world.openGate();
    await world.comeBack();
    expect(await got).toMatch(/^process/);
    expect(world.started).toEqual(["get"]);
  });

  it("a mutation not yet sent is sent", async () => {
    const world = await World.start(resumed);
    await world.breakOff();
    const added = world.client.add.mutate("a");
    world.openGate();
    await world.comeBack();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a"]);
  });

  it("a mutation sent and not answered goes on, and is answered once", async () => {
    const world = await World.start(resumed);
    const added = world.client.add.mutate("a");
    await world.server.printed(/^add a$/);
    await world.breakOff();
    await world.comeBack();
    world.openGate();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a"]);
  });

  it.each(["callbacks", "loop"])("a subscription without ids goes on, without a gap (%s)", async (way) => {
    const world = await World.start(resumed);
    const { heard } = way === "loop" ? followInLoop(world) : follow(world, "news");
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    world.openGate();
    await world.comeBack();
    await until("it has gone on", () => heard.length >= 3);
    expect(heard).toEqual(["first", "second", "third"]);
    expect(world.started).toEqual(["news"]);
  });

  it("a tracked subscription goes on", async () => {
    const world = await World.start(resumed);
    const { heard } = follow(world, "log");
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    world.openGate();
    await world.comeBack();
    await until("it has gone on", () => heard.length >= 4);
    expect(heard).toEqual(events(1, 2, 3, 4));
    expect(world.started).toEqual(["log after nothing"]);
  });
});

describe.each(Object.entries(lost))("where the session is lost because %s", (_why, situation) => {
  it("a query is sent again, and answered once", async () => {
    const world = await World.start(situation);
    const got = world.client.get.query();
    await world.server.printed(/^get$/);
    await world.breakOff();
    await world.comeBack();
    await world.server.printed(/^get$/, 2);
    world.openGate();
    expect(await got).toMatch(/^process/);
    expect(world.started).toEqual(["get", "get"]);
  });

  it("a mutation not yet sent is sent", async () => {
    const world = await World.start(situation);
    await world.breakOff();
    const added = world.client.add.mutate("a");
    await world.comeBack();
    await world.server.printed(/^add a$/);
    world.openGate();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a"]);
  });

  it("a mutation sent and not answered is OUTCOME_UNKNOWN, and not sent again", async () => {
    const world = await World.start(situation);
    const failed = rejection(world.client.add.mutate("a"));
    await world.server.printed(/^add a$/);
    await world.breakOff();
    await world.comeBack();
    expect(await failed).toMatchObject({ code: "OUTCOME_UNKNOWN", cause: { code: "SESSION_LOST" } });
    expect(await world.client.ping.query()).toBe("pong");
    expect(world.started).toEqual(["add a"]);
  });

  it("a mutation that is idempotent is sent again", async () => {
    const world = await World.start(situation);
    const added = world.client.add.mutate("a", { idempotent: true });
    await world.server.printed(/^add a$/);
    await world.breakOff();
    await world.comeBack();
    await world.server.printed(/^add a$/, 2);
    world.openGate();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a", "add a"]);
  });

  it("a mutation is run once where a store remembers it, and the stored result returned", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tautline-"));
    afterTest(() => rm(folder, { recursive: true }));
    const store = join(folder, "store.json");
    await writeFile(store, "{}");
    const world = await World.start(situation, store);
    const added = world.client.add.mutate("a");
    await world.server.printed(/^add a$/);
    await cutTheNetwork(world);
    world.openGate();
    await world.server.printed(/^stored$/);
    await world.breakOff();
    await world.comeBack();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a"]);
  });

  it.each(["callbacks", "loop"])("a subscription without ids is started again, and the gap told (%s)", async (way) => {
    const world = await World.start(situation);
    const { heard } = way === "loop" ? followInLoop(world) : follow(world, "news");
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    await world.comeBack();
    await until("it has started again", () => heard.length >= 5);
    expect(heard).toEqual(["first", "second", "a gap", "first", "second"]);
    expect(world.started).toEqual(["news", "news"]);
  });

  it("a tracked subscription is started again after the last id, without a gap", async () => {
    const world = await World.start(situation);
    const { heard } = follow(world, "log");
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    await world.comeBack();
    await world.server.printed(/^log/, 2);
    world.openGate();
    await until("it has gone on", () => heard.length >= 4);
    expect(heard).toEqual(events(1, 2, 3, 4));
    expect(world.started).toEqual(["log after nothing", "log after 2"]);
  });
});

it("a memory store is gone with its process: the mutation is OUTCOME_UNKNOWN, and not run again", async () => {
  const situation = lost["the server was killed and started again"] ?? resumed;
  const world = await World.start(situation, "memory");
  const failed = rejection(world.client.add.mutate("a"));
  await world.server.printed(/^add a$/);
  await world.breakOff();
  await world.comeBack();
  expect(await failed).toMatchObject({ code: "OUTCOME_UNKNOWN" });
  expect(world.started).toEqual(["add a"]);
});
