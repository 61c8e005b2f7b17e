import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeMessage } from "./codec.ts";
import { Connection } from "./connection.ts";
import { everyMessage } from "./every-message.ts";
import type { Frame } from "./frame.ts";
import { plainFrame } from "./shared-message.ts";
import { messagesOf } from "./testing/frame-json.ts";
import { flushed, SessionEnd, SessionPair } from "./testing/session-pair.ts";

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The messages on the way in one direction. */
function onTheWay(frames: readonly Frame[]): unknown[] {
  return frames.flatMap(messagesOf);
}

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

const side = fc.constantFrom("client", "server");
const direction = fc.constantFrom("toServer", "toClient");
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ send: side, count: fc.integer({ min: 1, max: 40 }), padding: fc.nat(60) }) },
    { weight: 6, arbitrary: fc.record({ deliver: direction, frames: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 4, arbitrary: fc.record({ share: side, count: fc.integer({ min: 1, max: 40 }), padding: fc.nat(60) }) },
    { weight: 2, arbitrary: fc.record({ cut: fc.constant(true) }) },
    { weight: 3, arbitrary: fc.record({ connect: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.record({ late: fc.nat(5), of: direction, frames: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ ping: side }) },
  ),
  { maxLength: 60, size: "max" },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

async function take(pair: SessionPair, step: Step): Promise<void> {
  if ("send" in step) for (let count = 0; count < step.count; count++) pair[step.send].send(step.padding);
  else if ("share" in step) for (let count = 0; count < step.count; count++) pair[step.share].sendShared(step.padding);
  else if ("deliver" in step) pair.wire?.deliver(step.deliver, step.frames);
  else if ("cut" in step) pair.cut();
  else if ("connect" in step) pair.connect();
  // A connection that the client has given up may still carry what was sent before.
  else if ("late" in step) pair.wires[step.late]?.deliver(step.of, step.frames);
  else pair[step.ping].session.ping();
  await flushed();
}

function expectPrefixes({ client, server }: SessionPair): void {
  expect(server.came).toEqual(numbers(server.came.length));
  expect(client.came).toEqual(numbers(client.came.length));
  expect(server.came.length).toBeLessThanOrEqual(client.sent);
  expect(client.came.length).toBeLessThanOrEqual(server.sent);
}

// `PROPERTY_RUNS=100000` for the long run, `PROPERTY_SEED=…` to repeat one.
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 300);
const timeout = 30_000 + 20 * numRuns;
const seed = process.env["PROPERTY_SEED"] === undefined ? {} : { seed: Number(process.env["PROPERTY_SEED"]) };

describe("whatever happens to its connections", () => {
  test("what has come is a run of what was sent, without gap or double, and all of it comes in the end", {
    timeout,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const pair = await SessionPair.connected();
        for (const step of list) {
          await take(pair, step);
          expectPrefixes(pair);
        }
        pair.cut();
        pair.connect();
        await pair.settle();
        expect([pair.refused, pair.client.errors, pair.server.errors]).toEqual([false, [], []]);
        expect(pair.server.came).toEqual(numbers(pair.client.sent));
        expect(pair.client.came).toEqual(numbers(pair.server.sent));
      }),
      { numRuns, ...seed },
    );
  });

  test("it is refused only where the buffer of an end was overrun, and keeps no more than its buffer", {
    timeout,
  }, async () => {
    const replayLength = 400;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const pair = await SessionPair.connected(replayLength);
        for (const step of list) {
          await take(pair, step);
          expectPrefixes(pair);
          for (const { session } of [pair.client, pair.server])
            expect(session.keptLength).toBeLessThanOrEqual(replayLength);
          if (pair.refused) break;
        }
        if (!pair.refused) return;
        refused++;
        const { client, server } = pair;
        const shortest = '[20,1,[0,""]]'.length;
        const missing = Math.max(client.sent - server.came.length, server.sent - client.came.length);
        expect(missing * (shortest + 62)).toBeGreaterThan(replayLength);
      }),
      { numRuns, ...seed },
    );
    expect(refused).toBeGreaterThan(0);
  });
});
