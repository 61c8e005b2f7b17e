import { describe, expect, test } from "vitest";
import { encodeMessage } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { flushed, numbers, onTheWay, SessionEnd, SessionPair } from "./testing/session-pair.ts";

describe("a session", () => {
  test("is parked, attached, parked again, and lost for good", async () => {
    const pair = new SessionPair();
    const { session } = pair.client;
    expect(session.open).toBe(false);
    pair.connect();
    expect(session.open).toBe(true);
    pair.cut();
    expect(session.open).toBe(false);
    session.send("[20,1]");
    expect([session.keptLength, session.canResume(1)]).toEqual([6, true]);
    session.lose();
    session.send("[20,2]");
    expect([session.open, session.keptLength, session.canResume(1)]).toEqual([false, 0, false]);
  });

  test("delivers what is sent, in order, in both directions", async () => {
    const pair = await SessionPair.connected();
    for (let count = 0; count < 100; count++) pair.client.send();
    for (let count = 0; count < 70; count++) pair.server.send();
    await pair.settle();
    expect(pair.server.came).toEqual(numbers(100));
    expect(pair.client.came).toEqual(numbers(70));
    expect([pair.server.session.received, pair.client.session.received]).toEqual([100, 70]);
  });

  test("keeps what is sent while it is parked, and says how much that is", async () => {
    const pair = await SessionPair.connected();
    pair.cut();
    for (const padding of [0, 10]) pair.server.send(padding);
    expect(pair.server.kept).toEqual(['[20,1,[0,""]]'.length, '[20,1,[1,""]]'.length + 10]);
    expect(pair.server.session.keptLength).toBe(pair.server.kept.reduce((sum, length) => sum + length));
    pair.connect();
    await pair.settle();
    expect(pair.client.came).toEqual([0, 1]);
  });

  test("says nothing of what is kept while it is attached", async () => {
    const pair = await SessionPair.connected();
    pair.client.send();
    expect(pair.client.kept).toEqual([]);
    expect(pair.client.session.keptLength).toBeGreaterThan(0);
  });

  test("sends again exactly what the other side lacks, before anything newer", async () => {
    const pair = await SessionPair.connected();
    for (let count = 0; count < 3; count++) {
      pair.client.send();
      await flushed();
    }
    pair.wire?.deliver("toServer", 2);
    pair.cut();
    pair.client.send();
    pair.connect();
    await flushed();
    pair.wire?.deliver("toServer", 1);
    await flushed();
    pair.wire?.deliver("toClient", 1);
    pair.client.send();
    await flushed();
    expect(onTheWay(pair.wire?.toServer ?? [])).toEqual([2, 3, 4].map((number) => [20, 1, [number, ""]]));
    await pair.settle();
    expect(pair.server.came).toEqual(numbers(5));
  });

  test("counts messages, not the connection's own nor what it says of its progress", async () => {
    const pair = await SessionPair.connected();
    pair.client.session.ping();
    pair.client.session.acknowledge();
    pair.wire?.client.send(encodeMessage([0, 1, {}]));
    pair.client.send();
    await pair.settle();
    expect(pair.server.session.received).toBe(1);
    expect(pair.client.session.received).toBe(0);
  });

  test("once lost takes nothing, keeps nothing, sends nothing, and cannot be resumed", async () => {
    const pair = await SessionPair.connected();
    pair.client.send();
    pair.client.session.lose();
    pair.client.send();
    expect(pair.client.session.keptLength).toBe(0);
    expect(pair.client.session.canResume(0)).toBe(false);
    pair.server.send();
    await pair.settle();
    expect([pair.client.came, pair.server.came]).toEqual([[], [0]]);
  });
});

describe("a session that cannot go on", () => {
  test("knows it: what the other side lacks is no longer kept", async () => {
    const pair = await SessionPair.connected(100);
    pair.cut();
    pair.server.send(30);
    pair.server.send(30);
    expect(pair.server.session.canResume(0)).toBe(true);
    pair.server.send(30);
    expect(pair.server.session.canResume(0)).toBe(false);
    expect(pair.server.session.canResume(1)).toBe(true);
    pair.connect();
    await pair.settle();
    expect(pair.refused).toBe(true);
    expect(pair.client.came).toEqual([]);
  });

  test("goes on over the connection that it has, however much was let go", async () => {
    const pair = await SessionPair.connected(100);
    for (let count = 0; count < 10; count++) pair.server.send(50);
    await pair.settle();
    expect(pair.client.came).toEqual(numbers(10));
    expect(pair.server.session.keptLength).toBeLessThanOrEqual(100);
  });

  test("does not believe a position past what was sent", () => {
    const end = new SessionEnd(100);
    end.send();
    expect([0, 1, 2].map((received) => end.session.canResume(received))).toEqual([true, true, false]);
  });
});

describe("takeover", () => {
  test("the newer connection has the session; what comes over the older is not heard, and not lost", async () => {
    const pair = await SessionPair.connected();
    const old = pair.wire;
    for (const _ of [1, 2]) {
      pair.client.send();
      await flushed();
    }
    old?.deliver("toServer", 1);
    pair.connect();
    await pair.settle();
    old?.deliver("toServer", 1);
    await pair.settle();
    expect(pair.server.came).toEqual([0, 1]);
    pair.server.send();
    await flushed();
    expect(old?.toClient).toEqual([]);
    await pair.settle();
    expect(pair.client.came).toEqual([0]);
  });

  test("the end of the older connection does not park the session", async () => {
    const pair = await SessionPair.connected();
    const old = pair.wire;
    pair.connect();
    await pair.settle();
    expect(pair.server.session.park(old?.server as Connection)).toBe(false);
    expect(pair.server.session.open).toBe(true);
    expect(pair.server.session.park(pair.wire?.server as Connection)).toBe(true);
    expect(pair.server.session.open).toBe(false);
  });
});
