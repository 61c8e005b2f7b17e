import { describe, expect, test } from "vitest";
import { Connection } from "./connection.ts";
import { everyMessage } from "./every-message.ts";
import { messagesOf } from "./testing/frame-json.ts";
import { flushed, SessionEnd, SessionPair } from "./testing/session-pair.ts";

describe("drained()", () => {
  test("is undefined while little waits for an acknowledgement", async () => {
    const pair = await SessionPair.connected(10_000);
    pair.server.send(4_900);
    expect(pair.server.session.drained()).toBeUndefined();
  });

  test("waits until the other side has acknowledged enough, which it is asked to do", async () => {
    const pair = await SessionPair.connected(10_000);
    pair.server.send(6_000);
    const { session } = pair.server;
    const drained = session.drained();
    expect(drained).toBeInstanceOf(Promise);
    expect(session.drained()).toBe(drained);
    // Neither 128 messages nor 384 kB have come: only an end that was asked says so.
    await pair.settle();
    await drained;
    expect([session.keptLength, session.drained()]).toEqual([0, undefined]);
  });

  test("asks once, however many wait and however often", async () => {
    const pair = await SessionPair.connected(1_000);
    pair.server.send(600);
    for (let count = 0; count < 5; count++) void pair.server.session.drained();
    await flushed();
    expect(pair.wire?.toClient.flatMap(messagesOf).filter(([type]) => type === 3)).toHaveLength(1);
  });

  test("waits on while the session is parked, until the next connection has taken what was kept", async () => {
    const pair = await SessionPair.connected(1_000);
    pair.cut();
    pair.server.send(600);
    let done = false;
    const drained = pair.server.session.drained()?.then(() => {
      done = true;
    });
    await flushed();
    expect(done).toBe(false);
    pair.connect();
    await pair.settle();
    await drained;
    expect(pair.client.came).toEqual([0]);
  });

  test("is as the socket's where nothing waits for an acknowledgement", () => {
    const end = new SessionEnd(1_000);
    const promise = Promise.resolve();
    const socket = { send: () => {}, close: () => {}, drained: () => promise };
    end.session.attach(new Connection(socket, { onMessage: () => {}, onError: () => {} }, { table: everyMessage }), 0);
    expect(end.session.drained()).toBe(promise);
  });

  test("ends when the session is lost", async () => {
    const pair = await SessionPair.connected(1_000);
    pair.cut();
    pair.server.send(600);
    const drained = pair.server.session.drained();
    pair.server.session.lose();
    await drained;
    expect(pair.server.session.drained()).toBeUndefined();
  });
});
