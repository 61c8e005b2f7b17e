import { describe, expect, test } from "vitest";
import type { Frame } from "./frame.ts";
import { messagesOf } from "./testing/frame-json.ts";
import { flushed, SessionPair } from "./testing/session-pair.ts";

/** The numbers of the messages on the way. */
function onTheWay(frames: readonly Frame[] = []): unknown[] {
  return frames.flatMap(messagesOf).map((message) => (message as [number, number, [number]])[2][0]);
}

function share({ server }: SessionPair, count: number): void {
  for (let sent = 0; sent < count; sent++) server.sendShared();
}

describe("a session's socket", () => {
  test("is lent while there is a connection, and not while there is none", async () => {
    const pair = new SessionPair();
    share(pair, 1);
    expect(pair.server.borrows).toBe(false);
    pair.connect();
    await pair.settle();
    share(pair, 1);
    expect(pair.server.borrows).toBe(true);
    pair.cut();
    share(pair, 1);
    expect(pair.server.borrows).toBe(false);
    pair.connect();
    await pair.settle();
    pair.server.session.lose();
    share(pair, 1);
    expect(pair.server.borrows).toBe(false);
  });

  test("is not lent for more than an eighth of what can be kept", async () => {
    const { server } = await SessionPair.connected(800);
    const borrower = { onRecalled: () => {} };
    expect(server.session.lend(borrower, 101)).toBeUndefined();
    expect(server.session.lend(borrower, 100)).toBeDefined();
  });

  test("carries what is sent over it, and the session's own after that, in order", async () => {
    const pair = await SessionPair.connected();
    share(pair, 3);
    pair.server.send();
    pair.server.send();
    share(pair, 2);
    expect(onTheWay(pair.wire?.toClient)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    await pair.settle();
    expect(pair.client.came).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("is wanted back when the session sends, hears what the other side has, or has no connection", async () => {
    const pair = await SessionPair.connected();
    const { server, client } = pair;
    const ends: (() => void)[] = [
      () => server.send(),
      () => pair.wire?.deliver("toServer", 1),
      () => pair.cut(),
      () => pair.connect(),
      () => server.session.recall(),
      () => server.session.lose(),
    ];
    for (const end of ends) {
      if (!server.session.open) pair.connect();
      await pair.settle();
      share(pair, 2);
      client.session.acknowledge();
      await flushed();
      expect(server.borrows).toBe(true);
      end();
      await flushed();
      if (end === ends[3]) await pair.settle();
      expect([ends.indexOf(end), server.borrows]).toEqual([ends.indexOf(end), false]);
    }
  });

  test("has one borrower at a time: another has it when the first has accounted for what it sent", async () => {
    const pair = await SessionPair.connected();
    share(pair, 2);
    const kept = pair.server.session.keptLength;
    share(pair, 2);
    pair.server.session.lend({ onRecalled: () => {} }, 0);
    expect(pair.server.borrows).toBe(false);
    expect(pair.server.session.keptLength).toBe(2 * kept);
  });
});

describe("what is sent over a lent socket", () => {
  test("is counted as kept whenever somebody asks", async () => {
    const pair = await SessionPair.connected();
    share(pair, 1);
    const one = pair.server.session.keptLength;
    share(pair, 4);
    expect(pair.server.session.keptLength).toBe(5 * one);
  });

  test("is sent again, in its place, where the connection breaks before it has come", async () => {
    const pair = await SessionPair.connected();
    pair.server.send();
    share(pair, 3);
    await flushed();
    pair.wire?.deliver("toClient", 2);
    pair.cut();
    share(pair, 2);
    pair.server.send();
    pair.connect();
    await pair.settle();
    expect(pair.client.came).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("is sent again where a newer connection takes the session from one that still stands", async () => {
    const pair = await SessionPair.connected();
    share(pair, 3);
    pair.connect();
    await pair.settle();
    share(pair, 1);
    await pair.settle();
    expect(pair.client.came).toEqual([0, 1, 2, 3]);
    expect(onTheWay(pair.wires[0]?.toClient)).toEqual([0, 1, 2]);
  });

  test("is forgotten once it is acknowledged, and a word of more than that is not believed", async () => {
    const pair = await SessionPair.connected();
    share(pair, 3);
    await pair.settle();
    pair.client.session.acknowledge();
    await pair.settle();
    expect(pair.server.session.keptLength).toBe(0);
    share(pair, 1);
    pair.wire?.client.send(JSON.stringify([3, 5]));
    await pair.settle();
    expect(pair.server.errors.map(({ code }) => code)).toEqual(["BAD_MESSAGE"]);
  });

  test("has producers wait like anything else, once it is more than half of what can be kept", async () => {
    const pair = await SessionPair.connected(1_000);
    const { session } = pair.server;
    while (session.keptLength <= 500) {
      expect(session.drained()).toBeUndefined();
      share(pair, 1);
    }
    let drained = false;
    void session.drained()?.then(() => {
      drained = true;
    });
    await flushed();
    expect(drained).toBe(false);
    await pair.settle();
    expect(drained).toBe(true);
  });
});
