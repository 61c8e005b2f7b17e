/**
 * The table of recovery: what becomes of what is in flight when the connection breaks and the session is lost.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { rejection } from "./fixture/client.ts";
import { events, follow, followInLoop, followTopic, read, upload } from "./fixture/recovery-followers.ts";
import { cutTheNetwork, lost, serverKilled, windowOver } from "./fixture/recovery-world.ts";
import { createWorlds } from "./fixture/recovery-worlds.ts";
import { hasRedis, RedisServer } from "./fixture/redis-server.ts";

cleanUpAfterEach();
const { start, startWithContract } = createWorlds();

/** A Redis for a test, to be named as a broker. */
async function redis(): Promise<string> {
  const server = await RedisServer.start();
  afterTest(() => server.close());
  return server.url;
}

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
