import { describe, expect, test } from "vitest";
import { Connection } from "./connection.ts";
import { everyMessage } from "./every-message.ts";
import { plainFrame } from "./shared-message.ts";
import { flushed, numbers, onTheWay, SessionEnd, SessionPair } from "./testing/session-pair.ts";

describe("acknowledgements", () => {
  test("come after 128 messages, in one, and let the other side forget them", async () => {
    const pair = await SessionPair.connected();
    for (let count = 0; count < 127; count++) pair.client.send();
    await pair.settle();
    expect(pair.client.session.keptLength).toBeGreaterThan(0);
    pair.client.send();
    await flushed();
    pair.wire?.deliver("toServer", 1);
    await flushed();
    expect(onTheWay(pair.wire?.toClient ?? [])).toEqual([[5, 128]]);
    await pair.settle();
    expect(pair.client.session.keptLength).toBe(0);
  });

  test("come after 384 kB, however few messages those are", async () => {
    const pair = await SessionPair.connected();
    pair.client.send(256_000);
    await pair.settle();
    expect(pair.client.session.keptLength).toBeGreaterThan(256_000);
    pair.client.send(140_000);
    await pair.settle();
    expect(pair.client.session.keptLength).toBe(0);
  });

  test("of 128 kB go in the frame of the next short message, so that a sender far away need not wait for them", async () => {
    const pair = await SessionPair.connected();
    pair.client.send(132_000);
    await pair.settle();
    pair.server.send(2_000);
    await flushed();
    expect(onTheWay(pair.wire?.toClient ?? [])).toHaveLength(1);
    pair.server.send();
    await flushed();
    expect(pair.wire?.toClient).toHaveLength(2);
    expect(onTheWay(pair.wire?.toClient ?? []).slice(1)).toEqual([
      [5, 1],
      [20, 1, [1, ""]],
    ]);
    await pair.settle();
    expect(pair.client.session.keptLength).toBe(0);
  });

  test("are not made of acknowledgements: two ends that have nothing to say fall silent", async () => {
    const pair = await SessionPair.connected();
    for (let count = 0; count < 100; count++) {
      pair.client.send();
      pair.server.send();
    }
    await pair.settle();
    pair.wire?.client.receive(`[${Array(200).fill("[5,100]").join(",")}]`);
    await flushed();
    expect(pair.wire?.toServer).toEqual([]);
  });

  test("come with the answer to a ping, and with the ping", async () => {
    const pair = await SessionPair.connected();
    pair.client.send();
    pair.server.send();
    await pair.settle();
    pair.client.session.ping();
    await flushed();
    expect(onTheWay(pair.wire?.toServer ?? [])).toEqual([[3, 1]]);
    pair.wire?.deliver("toServer", 1);
    expect(pair.server.session.keptLength).toBe(0);
    await flushed();
    expect(onTheWay(pair.wire?.toClient ?? [])).toEqual([[4, 1]]);
    pair.wire?.deliver("toClient", 1);
    expect(pair.client.session.keptLength).toBe(0);
  });

  test.each([
    ["a ping", 3],
    ["a pong", 4],
    ["an ack", 5],
  ])("in the future are refused, and free nothing: %s", async (_name, type) => {
    const pair = await SessionPair.connected();
    pair.client.send();
    await pair.settle();
    const kept = pair.client.session.keptLength;
    pair.wire?.client.receive(`[[${type},2]]`);
    expect(pair.client.errors).toMatchObject([{ code: "BAD_MESSAGE" }]);
    expect(pair.client.session.keptLength).toBe(kept);
  });

  test("that go back are refused", async () => {
    const pair = await SessionPair.connected();
    for (let count = 0; count < 3; count++) pair.client.send();
    await pair.settle();
    pair.wire?.client.receive("[[5,2]]");
    pair.wire?.client.receive("[[5,2]]");
    expect(pair.client.errors).toEqual([]);
    pair.wire?.client.receive("[[5,1]]");
    expect(pair.client.errors).toMatchObject([{ code: "BAD_MESSAGE" }]);
  });

  test("that go back behind where the session was resumed are refused", async () => {
    const pair = await SessionPair.connected();
    for (let count = 0; count < 3; count++) pair.client.send();
    await pair.settle();
    pair.cut();
    pair.connect();
    await pair.settle();
    pair.wire?.client.receive("[[5,2]]");
    expect(pair.client.errors).toMatchObject([{ code: "BAD_MESSAGE" }]);
  });

  test("of a connection before are not heard", async () => {
    const pair = await SessionPair.connected();
    const old = pair.wire;
    pair.client.send();
    await flushed();
    pair.connect();
    await pair.settle();
    old?.client.receive("[[5,99]]");
    expect(pair.client.errors).toEqual([]);
  });

  test("that arrive during a replay lose nothing", () => {
    const end = new SessionEnd(1_000_000);
    for (let count = 0; count < 2_000; count++) end.send(100);
    const seen: unknown[] = [];
    // As fast as can be: each frame is acknowledged before `send` has returned.
    const connection: Connection = new Connection(
      {
        send: (frame) => {
          seen.push(...onTheWay([plainFrame(frame)]).map((message) => (message as [20, 1, [number]])[2][0]));
          end.session.receive([5, seen.length], connection);
        },
        close: () => {},
      },
      { onMessage: () => {}, onError: (error) => end.errors.push(error) },
      { table: everyMessage },
    );
    end.session.attach(connection, 0);
    connection.close(1000, "");
    expect(end.errors).toEqual([]);
    expect(seen).toEqual(numbers(2_000));
    expect(end.session.keptLength).toBe(0);
  });
});
