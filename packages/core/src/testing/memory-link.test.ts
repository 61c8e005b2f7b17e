import { describe, expect, test } from "vitest";
import type { Frame } from "../frame.ts";
import { MemoryLink, type MemoryLinkOptions, type MemorySocket } from "./memory-link.ts";

/** What a socket tells, in order: frames as they are, the end as `[code, reason]`. */
function listen(socket: MemorySocket): (Frame | [number, string])[] {
  const heard: (Frame | [number, string])[] = [];
  socket.listen({ onFrame: (frame) => heard.push(frame), onClosed: (code, reason) => heard.push([code, reason]) });
  return heard;
}

function createLink(options?: MemoryLinkOptions) {
  const link = new MemoryLink(options);
  return { link, atClient: listen(link.client), atServer: listen(link.server) };
}

async function microtasks(): Promise<void> {
  for (let count = 0; count < 10; count++) await Promise.resolve();
}

describe("MemoryLink", () => {
  test("delivers what one end sends to the other, in order, in a later microtask, and keeps a record", async () => {
    const { link, atClient, atServer } = createLink();
    link.client.send("a");
    link.client.send("b");
    link.server.send("c");
    expect([atServer, atClient]).toEqual([[], []]);
    await microtasks();
    expect([atServer, atClient]).toEqual([["a", "b"], ["c"]]);
    expect([link.client.sent, link.server.sent]).toEqual([["a", "b"], ["c"]]);
    expect(link.moves).toBe(6);
  });

  test("tells both ends of a close once, the other one after the frames that were sent before it", async () => {
    const { link, atClient, atServer } = createLink();
    link.client.send("last");
    link.client.close(4400, "bad");
    link.client.close(1000, "again");
    link.client.send("too late");
    await microtasks();
    link.server.close(1000, "likewise");
    await microtasks();
    expect(atServer).toEqual(["last", [4400, "bad"]]);
    expect(atClient).toEqual([[4400, "bad"]]);
    expect(link.client.sent).toEqual(["last"]);
  });

  test("loses what is on its way when it is cut, and both ends hear of it", async () => {
    const { link, atClient, atServer } = createLink();
    link.client.send("lost");
    link.cut();
    link.server.send("too late");
    await microtasks();
    expect([atServer, atClient]).toEqual([[[1006, ""]], [[1006, ""]]]);
  });

  test("leaves the other end in ignorance when one end is lost", async () => {
    const { link, atClient, atServer } = createLink();
    link.client.lose();
    link.server.send("into the void");
    await microtasks();
    expect([atServer, atClient]).toEqual([[], [[1006, ""]]]);
  });

  test("holds back what a stalled end sends, the other direction goes on", async () => {
    const { link, atClient, atServer } = createLink();
    const flow = link.client.stall();
    link.client.send("a");
    link.client.send("b");
    link.server.send("c");
    await microtasks();
    expect([atServer, atClient]).toEqual([[], ["c"]]);
    flow();
    link.client.send("d");
    await microtasks();
    expect(atServer).toEqual(["a", "b", "d"]);
  });

  test("is drained again when what waits is under the mark, or lost", async () => {
    const { link } = createLink({ highWaterLength: 4 });
    const flow = link.client.stall();
    link.client.send("abc");
    expect(link.client.drained()).toBeUndefined();
    link.client.send("d");
    const drained = link.client.drained();
    expect(drained).toBeInstanceOf(Promise);
    expect(link.client.drained()).toBe(drained);
    flow();
    await drained;
    expect(link.client.drained()).toBeUndefined();

    link.client.stall();
    link.client.send("abcd");
    const lost = link.client.drained();
    link.cut();
    await lost;
    expect(link.client.drained()).toBeUndefined();
  });

  test("delivers when its schedule says so, and keeps the order even if that does not", async () => {
    const deliveries: (() => void)[] = [];
    const { link, atServer } = createLink({ schedule: (deliver) => deliveries.unshift(deliver) });
    link.client.send("a");
    link.client.send("b");
    await microtasks();
    expect(atServer).toEqual([]);
    for (const deliver of deliveries) deliver();
    expect(atServer).toEqual(["a", "b"]);
  });
});
