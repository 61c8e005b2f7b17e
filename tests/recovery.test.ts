/**
 * The table of recovery: what becomes of what is in flight when the connection breaks, where the session is resumed and where it is lost.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ConnectionOptions,
  type ContractClient,
  createClient,
  type RouterClient,
  streams,
} from "@tautline/client";
import { rich } from "@tautline/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type BundledProgram, bundleProgram } from "./fixture/bundled-program.ts";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { recoveryContract } from "./fixture/recovery-contract.ts";
import type { RecoveryRouter } from "./fixture/recovery-server.ts";
import {
  cutTheNetwork,
  lost,
  resumed,
  type Situation,
  type Stores,
  serverKilled,
  World,
  windowOver,
} from "./fixture/recovery-world.ts";
import { hasRedis, RedisServer } from "./fixture/redis-server.ts";

cleanUpAfterEach();
// Each test starts a process, and half of them a second one.
vi.setConfig({ testTimeout: 30_000 });

let program: BundledProgram;

beforeAll(async () => {
  program = await bundleProgram("recovery-server.ts");
});

afterAll(() => program.remove());

type RouterWorld = World<RouterClient<RecoveryRouter>>;
type ContractWorld = World<ContractClient<typeof recoveryContract>>;

/** The client calls the server's router. */
function start(situation: Situation, stores?: Stores): Promise<RouterWorld> {
  const create = (options: ConnectionOptions) => createClient<RecoveryRouter>({ ...options, transformer: rich });
  return World.start(program, create, situation, stores);
}

/** The client calls what the contract names. */
function startWithContract(situation: Situation, stores?: Stores): Promise<ContractWorld> {
  const create = (options: ConnectionOptions) =>
    createClient({ ...options, contract: recoveryContract, transformer: rich, streams });
  return World.start(program, create, situation, stores);
}

/** Every item, and where a gap was told. */
function follow(world: RouterWorld, path: "news" | "log"): { readonly heard: readonly unknown[] } {
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
function followInLoop(world: RouterWorld): { readonly heard: readonly unknown[] } {
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

/** Numbers that go up, the last of them once it is told to; and whether its producer has cleaned up. */
function upload() {
  const gate = createGate();
  const state = { ended: false };
  async function* numbers() {
    try {
      yield 1;
      yield 2;
      await gate.opened;
      yield 3;
    } finally {
      state.ended = true;
    }
  }
  return { numbers: numbers(), goOn: () => gate.open(), state };
}

/** Every item of a stream that comes down, and what it ended with. */
function read(stream: Promise<AsyncIterable<number>>): { readonly heard: readonly unknown[] } {
  const heard: unknown[] = [];
  const reading = async (): Promise<void> => {
    for await (const item of await stream) heard.push(item);
    heard.push("the end");
  };
  void reading().catch((error: unknown) => heard.push(error));
  return { heard };
}

/** Every event of a topic, and every gap. */
function followTopic(world: ContractWorld, path: "posts" | "recent") {
  const events: { readonly id: string; readonly data: number }[] = [];
  const heard: unknown[] = [];
  let started = false;
  world.client[path].subscribe(undefined, {
    onStarted: () => (started = true),
    onData: (event) => {
      events.push(event);
      heard.push(event.data);
    },
    onGap: (gap) => heard.push(gap),
    onError: (error) => heard.push(error),
  });
  return { events, heard, standing: () => until("the subscription stands", () => started) };
}

/** A Redis for a test, to be named as a broker. */
async function redis(): Promise<string> {
  const server = await RedisServer.start();
  afterTest(() => server.close());
  return server.url;
}

describe("where the session is resumed", () => {
  it("a query goes on, and is answered once", async () => {
    const world = await start(resumed);
    const got = world.client.get.query();
    await world.server.printed(/^get$/);
    await world.breakOff();
    await world.comeBack();
    world.openGate();
    expect(await got).toMatch(/^process/);
    expect(world.started).toEqual(["get"]);
  });

  it("a query that was answered while the connection was away is answered after it", async () => {
    const world = await start(resumed);
    const got = world.client.get.query();
    await world.server.printed(/^get$/);
    await world.breakOff();
    world.openGate();
    await world.comeBack();
    expect(await got).toMatch(/^process/);
    expect(world.started).toEqual(["get"]);
  });

  it("a mutation not yet sent is sent", async () => {
    const world = await start(resumed);
    await world.breakOff();
    const added = world.client.add.mutate("a");
    world.openGate();
    await world.comeBack();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a"]);
  });

  it("a mutation sent and not answered goes on, and is answered once", async () => {
    const world = await start(resumed);
    const added = world.client.add.mutate("a");
    await world.server.printed(/^add a$/);
    await world.breakOff();
    await world.comeBack();
    world.openGate();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a"]);
  });

  it.each(["callbacks", "loop"])("a subscription without ids goes on, without a gap (%s)", async (way) => {
    const world = await start(resumed);
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
    const world = await start(resumed);
    const { heard } = follow(world, "log");
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    world.openGate();
    await world.comeBack();
    await until("it has gone on", () => heard.length >= 4);
    expect(heard).toEqual(events(1, 2, 3, 4));
    expect(world.started).toEqual(["log after nothing"]);
  });

  it("a subscription to a topic goes on, with what was published meanwhile", async () => {
    const world = await startWithContract(resumed);
    const { heard, standing } = followTopic(world, "posts");
    await standing();
    await world.publish(1, 2);
    await until("the events are here", () => heard.length === 2);
    await world.breakOff();
    await world.comeBack(() => world.publish(3));
    await world.publish(4);
    await until("it has gone on", () => heard.length >= 4);
    expect(heard).toEqual([1, 2, 3, 4]);
    expect(world.started).toEqual(["posts"]);
  });

  it("an upload goes on, and is answered once", async () => {
    const world = await startWithContract(resumed);
    const { numbers, goOn } = upload();
    const sum = world.client.sum.mutate(numbers);
    await world.server.printed(/^sum has 2$/);
    await world.breakOff();
    goOn();
    await world.comeBack();
    expect(await sum).toBe(6);
    expect(world.server.lines.filter((line) => line.startsWith("sum"))).toEqual([
      "sum",
      "sum has 1",
      "sum has 2",
      "sum has 3",
    ]);
  });

  it("a download goes on", async () => {
    const world = await startWithContract(resumed);
    const { heard } = read(world.client.count.query());
    await until("the items are here", () => heard.length === 4);
    await world.breakOff();
    world.openGate();
    await world.comeBack();
    await until("it has gone on", () => heard.length >= 6);
    expect(heard).toEqual([1, 2, 3, 4, 5, "the end"]);
    expect(world.started).toEqual(["count"]);
  });

  it("a duplex stream goes on, both ways", async () => {
    const world = await startWithContract(resumed);
    const { numbers, goOn } = upload();
    const { heard } = read(world.client.double.mutate(numbers));
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    goOn();
    await world.comeBack();
    await until("it has gone on", () => heard.length >= 4);
    expect(heard).toEqual([2, 4, 6, "the end"]);
    expect(world.started).toEqual(["double"]);
  });
});

describe.each(Object.entries(lost))("where the session is lost because %s", (_why, situation) => {
  it("a query is sent again, and answered once", async () => {
    const world = await start(situation);
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
    const world = await start(situation);
    await world.breakOff();
    const added = world.client.add.mutate("a");
    await world.comeBack();
    await world.server.printed(/^add a$/);
    world.openGate();
    expect(await added).toMatch(/^a in process/);
    expect(world.started).toEqual(["add a"]);
  });

  it("a mutation sent and not answered is OUTCOME_UNKNOWN, and not sent again", async () => {
    const world = await start(situation);
    const failed = rejection(world.client.add.mutate("a"));
    await world.server.printed(/^add a$/);
    await world.breakOff();
    await world.comeBack();
    expect(await failed).toMatchObject({ code: "OUTCOME_UNKNOWN", cause: { code: "SESSION_LOST" } });
    expect(await world.client.ping.query()).toBe("pong");
    expect(world.started).toEqual(["add a"]);
  });

  it("a mutation that is idempotent is sent again", async () => {
    const world = await start(situation);
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
    const world = await start(situation, { idempotency: store });
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
    const world = await start(situation);
    const { heard } = way === "loop" ? followInLoop(world) : follow(world, "news");
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    await world.comeBack();
    await until("it has started again", () => heard.length >= 5);
    expect(heard).toEqual(["first", "second", "a gap", "first", "second"]);
    expect(world.started).toEqual(["news", "news"]);
  });

  it("a tracked subscription is started again after the last id, without a gap", async () => {
    const world = await start(situation);
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

  it.skipIf(!hasRedis)("a subscription to a topic is caught up from history, after the last event's id", async () => {
    const world = await startWithContract(situation, { broker: await redis() });
    const { heard, standing } = followTopic(world, "posts");
    await standing();
    await world.publish(1, 2);
    await until("the events are here", () => heard.length === 2);
    await world.breakOff();
    await world.comeBack(() => world.publish(3, 4));
    await world.server.printed(/^posts$/, 2);
    await world.publish(5);
    await until("it has gone on", () => heard.length >= 5);
    expect(heard).toEqual([1, 2, 3, 4, 5]);
    expect(world.started).toEqual(["posts", "posts"]);
  });

  it.skipIf(!hasRedis)(
    "a subscription to a topic that has kept less is told of the gap, from where to where",
    async () => {
      const world = await startWithContract(situation, { broker: await redis() });
      const { heard, events, standing } = followTopic(world, "recent");
      await standing();
      await world.publish(1);
      await until("the event is here", () => heard.length === 1);
      await world.breakOff();
      await world.comeBack(() => world.publish(2, 3, 4, 5));
      await until("it has gone on", () => heard.length >= 4);
      expect(heard).toEqual([1, { from: events[0]?.id, to: await world.idOf(3) }, 4, 5]);
    },
  );

  it("an upload is SESSION_LOST at both ends, and not made again", async () => {
    const world = await startWithContract(situation);
    const { numbers, goOn, state } = upload();
    const failed = rejection(world.client.sum.mutate(numbers));
    await world.server.printed(/^sum has 2$/);
    await world.breakOff();
    await world.comeBack();
    expect(await failed).toMatchObject({ code: "SESSION_LOST" });
    goOn();
    await until("its producer has cleaned up", () => state.ended);
    expect(world.started).toEqual(["sum"]);
  });

  it("a download is SESSION_LOST", async () => {
    const world = await startWithContract(situation);
    const { heard } = read(world.client.count.query());
    await until("the items are here", () => heard.length === 4);
    await world.breakOff();
    await world.comeBack();
    await until("it has ended", () => heard.length >= 5);
    expect(heard).toEqual([1, 2, 3, 4, expect.objectContaining({ code: "SESSION_LOST" })]);
    expect(world.started).toEqual(["count"]);
  });

  it("a duplex stream is SESSION_LOST, and its producer stops", async () => {
    const world = await startWithContract(situation);
    const { numbers, goOn, state } = upload();
    const { heard } = read(world.client.double.mutate(numbers));
    await until("the items are here", () => heard.length === 2);
    await world.breakOff();
    await world.comeBack();
    await until("it has ended", () => heard.length >= 3);
    expect(heard).toEqual([2, 4, expect.objectContaining({ code: "SESSION_LOST" })]);
    goOn();
    await until("its producer has cleaned up", () => state.ended);
    expect(world.started).toEqual(["double"]);
  });
});

it("a memory store is gone with its process: the mutation is OUTCOME_UNKNOWN, and not run again", async () => {
  const world = await start(serverKilled, { idempotency: "memory" });
  const failed = rejection(world.client.add.mutate("a"));
  await world.server.printed(/^add a$/);
  await world.breakOff();
  await world.comeBack();
  expect(await failed).toMatchObject({ code: "OUTCOME_UNKNOWN" });
  expect(world.started).toEqual(["add a"]);
});

it("a memory broker is gone with its process: a subscription to a topic is told of the gap, and goes on", async () => {
  const world = await startWithContract(serverKilled);
  const { heard, events, standing } = followTopic(world, "posts");
  await standing();
  await world.publish(1);
  await until("the event is here", () => heard.length === 1);
  await world.breakOff();
  await world.comeBack();
  await until("the gap is told", () => heard.length === 2);
  await world.publish(2);
  await until("it has gone on", () => heard.length >= 3);
  const [, gap, ...rest] = heard;
  expect(gap).toMatchObject({ from: events[0]?.id });
  expect(rest).toEqual([2]);
});

it.each(["sum", "count"] as const)("the handler of a stream is told that the session is lost (%s)", async (path) => {
  const world = await startWithContract(windowOver);
  const { numbers, goOn } = upload();
  if (path === "sum") world.client.sum.mutate(numbers).catch(() => {});
  else read(world.client.count.query());
  await world.server.printed(/^sum has 2$|^count has 4$/);
  await world.breakOff();
  const [, told] = await world.server.printed(/^(?:sum|count) lost: (.*)$/);
  expect(told).toBe("SESSION_LOST");
  goOn();
});
