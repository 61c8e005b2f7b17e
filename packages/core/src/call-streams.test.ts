import { queryObjects } from "node:v8";
import { describe, expect, test } from "vitest";
import { CallStreams, type StreamRole } from "./call-streams.ts";
import { TautlineError } from "./errors.ts";
import * as messageType from "./message-type.ts";
import { OutgoingStream } from "./outgoing-stream.ts";
import { StreamLine } from "./stream-line.ts";
import { FakeClock } from "./testing/fake-clock.ts";

function createStreams(role: StreamRole, send: () => number = () => 0): CallStreams {
  const clock = new FakeClock();
  const host = {
    clock,
    windowBytes: 1_000,
    write: (value: unknown) => value,
    read: (value: unknown) => value,
    shapeOf: () => ({}),
    readError: () => new TautlineError({ code: "CONFLICT" }),
  };
  const call = { id: 1, send, drained: () => undefined, onStreamsOver: () => {} };
  return new CallStreams(role, host, new StreamLine(clock, () => 0), call, () => {});
}

async function* nothing(): AsyncIterable<unknown> {}

describe("the streams of a call", () => {
  test("keep nothing of those that have gone down, however many there were: a subscription's items may hold some each", async () => {
    const streams = createStreams("callee");
    for (let number = 1; number <= 1_000; number++) {
      streams.start({ number, items: nothing(), size: undefined });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([streams.sent, streams.size]).toEqual([1_000, 0]);
    expect(queryObjects(OutgoingStream, { format: "count" })).toBeLessThan(10);
  });

  test("come once each, in whatever order their values are read", () => {
    const streams = createStreams("caller");
    const open = (number: number) => () => streams.open(number, undefined);
    for (const number of [2, 5, 1, 3]) open(number)();
    for (const number of [1, 2, 3, 5]) expect(open(number)).toThrow("a stream comes once");
    const item = (number: number) => () => streams.receive([messageType.downItem, 1, number, "a"], 10);
    for (const number of [1, 2, 3, 5]) expect(item(number)).not.toThrow();
    for (const number of [4, 6]) expect(item(number)).toThrow("an item of no stream");
  });

  test("end for their reader where the session is lost for what grants their credit", async () => {
    const lost = new TautlineError({ code: "SESSION_LOST" });
    const streams: CallStreams = createStreams("callee", () => {
      streams.abort(lost);
      return 0;
    });
    await expect(streams.open(1, undefined).next()).rejects.toBe(lost);
  });
});
