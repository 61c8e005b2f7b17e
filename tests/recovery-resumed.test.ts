/**
 * The table of recovery: what becomes of what is in flight when the connection breaks and the session is resumed.
 */
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { events, follow, followInLoop, followTopic, read, upload } from "./fixture/recovery-followers.ts";
import { resumed } from "./fixture/recovery-world.ts";
import { createWorlds } from "./fixture/recovery-worlds.ts";

cleanUpAfterEach();
const { start, startWithContract } = createWorlds();

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
