import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { flushed, numbers, SessionPair } from "./testing/session-pair.ts";

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
