import { describe, expect, test } from "vitest";
import type { IncomingCall } from "./incoming-call.ts";
import { IncomingCalls } from "./incoming-calls.ts";
import { rich } from "./rich.ts";
import { StreamTable } from "./stream-table.ts";
import { StreamingCalls } from "./streaming-calls.ts";
import { createPipe, lost, makeCall } from "./testing/recorded-calls.ts";
import { Values } from "./values.ts";

const clock = { now: () => 0, turn: () => Promise.resolve() };
const values = new Values(rich);

function createCalls(): StreamingCalls {
  return new StreamingCalls({ values, clock, windowBytes: 1_000 });
}

/** A stream in a value that is to be sent, and what its source was asked for. */
function createStream(): { readonly value: unknown; readonly asked: string[] } {
  const asked: string[] = [];
  const answer = (what: string) => (): Promise<IteratorResult<number>> => {
    asked.push(what);
    return Promise.resolve({ done: what === "return", value: 1 });
  };
  const source = { [Symbol.asyncIterator]: () => ({ next: answer("next"), return: answer("return") }) };
  return { value: rich.serialize(source), asked };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 100; turns++) await Promise.resolve();
}

test("a large subscription that moves while it leaves in parts sends no more of them where it was", async () => {
  const calls = createCalls();
  const [old, next] = [createPipe(), createPipe()];
  calls.attach(old);
  makeCall(calls, "subscription", "s", "x".repeat(900_000));
  calls.attach(next);
  calls.leave(old);
  await settled();
  expect(old.sent.map(([type]) => type)).toEqual([18, 13]);
  expect(next.sent.map(([type]) => type)).toEqual(Array<number>(14).fill(18));
});

test("a subscription whose upload has not begun moves with it", async () => {
  const calls = createCalls();
  const [old, next] = [createPipe(), createPipe()];
  const { value, asked } = createStream();
  calls.attach(old);
  const { id } = makeCall(calls, "subscription", "s", value);
  calls.attach(next);
  calls.leave(old);
  await settled();
  expect([old.sent.at(-1), asked]).toEqual([[13, id], []]);
  const [, moved] = next.sent[0] ?? [];
  calls.receive([30, moved ?? 0, 1, 256, 0], next);
  await settled();
  expect(next.sent.at(-1)).toEqual([14, moved, 1, 1]);
});

test("a mutation whose outcome nobody knows has the source of its upload ended, which never began", async () => {
  const calls = createCalls();
  const pipe = createPipe();
  const { value, asked } = createStream();
  calls.attach(pipe);
  const call = makeCall(calls, "mutation", "m", value);
  calls.detach(pipe, lost, { started: true });
  await settled();
  expect([call.events, asked]).toMatchObject([[["failed", { code: "OUTCOME_UNKNOWN" }]], ["return"]]);
});

describe("a session that is lost because of what it was to keep", () => {
  test("ends the source of a stream in a call", async () => {
    const calls = createCalls();
    const { value, asked } = createStream();
    calls.attach({ ...createPipe(), send: () => calls.close(lost) });
    const call = makeCall(calls, "mutation", "m", value);
    await settled();
    expect([call.events.length, asked, calls.size]).toEqual([1, ["return"], 0]);
  });

  test("ends the source of a stream in an answer, and settles the call once", async () => {
    const settledCalls: IncomingCall[] = [];
    const { value, asked } = createStream();
    const calls: IncomingCalls = new IncomingCalls(
      { ...createPipe(), send: () => calls.abort(lost) },
      {
        onCall: (call) => call.sendResult(value),
        onRefused: () => {},
        onSettled: (call) => settledCalls.push(call),
      },
      {},
      { streams: new StreamTable("callee", () => expect.fail("nothing is to flow")) },
    );
    calls.receive([10, 1, "q", {}]);
    await settled();
    expect([settledCalls.length, asked]).toEqual([1, ["return"]]);
  });
});
