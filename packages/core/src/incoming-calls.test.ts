import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";
import type { IncomingCall } from "./incoming-call.ts";
import { type CallLimits, IncomingCalls } from "./incoming-calls.ts";

function createCalls(limits?: CallLimits) {
  const sent: unknown[] = [];
  const calls: IncomingCall[] = [];
  const refused: [IncomingCall, TautlineError][] = [];
  const settled: number[] = [];
  const drained = Promise.resolve();
  const pipe = {
    open: true,
    send: (message: string) => sent.push(JSON.parse(message)),
    decode: () => [],
    drained: () => drained,
  };
  const server = {
    onCall: (call: IncomingCall) => calls.push(call),
    onRefused: (call: IncomingCall, error: TautlineError) => {
      refused.push([call, error]);
      call.sendError({ message: error.message });
    },
    onSettled: (call: IncomingCall) => settled.push(call.id),
  };
  return { incoming: new IncomingCalls(pipe, server, limits), sent, calls, refused, settled, drained };
}

const lost = new TautlineError({ code: "CONNECTION_CLOSED" });

describe("IncomingCalls", () => {
  test("hands over what came", () => {
    const { incoming, calls } = createCalls();
    incoming.receive([10, 1, "q", {}, { x: 1 }]);
    incoming.receive([11, 2, "m", {}]);
    incoming.receive([12, 7, "s", { lastEventId: "e" }, null]);
    expect(calls).toMatchObject([
      { type: "query", id: 1, path: "q", fields: {}, input: { x: 1 } },
      { type: "mutation", id: 2, path: "m", fields: {}, input: undefined },
      { type: "subscription", id: 7, path: "s", fields: { lastEventId: "e" }, input: null },
    ]);
    expect([incoming.calls, incoming.subscriptions]).toEqual([2, 1]);
  });

  test("sends answers as they come, whatever the order of the calls, and forgets what has settled", () => {
    const { incoming, calls, sent, settled } = createCalls();
    for (const id of [1, 2]) incoming.receive([10, id, "q", {}]);
    incoming.receive([12, 3, "s", {}]);
    calls[1]?.sendResult("b");
    calls[2]?.sendStarted();
    calls[0]?.sendResult("a");
    calls[2]?.sendEnd();
    expect(sent).toEqual([
      [20, 2, "b"],
      [22, 3],
      [20, 1, "a"],
      [25, 3],
    ]);
    expect(settled).toEqual([2, 1, 3]);
    expect([incoming.calls, incoming.subscriptions]).toEqual([0, 0]);
  });

  test("takes ids that grow, with gaps too, and no others", () => {
    const { incoming, calls } = createCalls();
    incoming.receive([10, 5, "q", {}]);
    incoming.receive([10, 9, "q", {}]);
    for (const id of [9, 8, 5, 1]) {
      expect(() => incoming.receive([10, id, "q", {}])).toThrow(expect.objectContaining({ code: "BAD_MESSAGE" }));
    }
    calls[1]?.sendResult(1);
    expect(() => incoming.receive([10, 9, "q", {}])).toThrow(expect.objectContaining({ code: "BAD_MESSAGE" }));
    expect(calls.map(({ id, settled }) => [id, settled])).toEqual([
      [5, false],
      [9, true],
    ]);
  });

  test("asks its pipe whether it is drained", () => {
    const { incoming, calls, drained } = createCalls();
    incoming.receive([12, 1, "s", {}]);
    expect(calls[0]?.ready()).toBe(drained);
  });
});

describe("a cancel", () => {
  test("aborts its call alone, with CLIENT_CLOSED_REQUEST, and is not answered", () => {
    const { incoming, calls, sent, settled } = createCalls();
    incoming.receive([10, 1, "q", {}]);
    incoming.receive([12, 2, "s", {}]);
    incoming.receive([13, 2]);
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([false, true]);
    expect(calls[1]?.signal.reason).toMatchObject({ name: "TautlineError", code: "CLIENT_CLOSED_REQUEST" });
    expect([sent, settled]).toEqual([[], [2]]);
    expect([incoming.calls, incoming.subscriptions]).toEqual([1, 0]);
  });

  test("says TIMEOUT where the caller's time was over; any other code is not passed on", () => {
    const { incoming, calls } = createCalls();
    for (const id of [1, 2, 3]) incoming.receive([10, id, "q", {}]);
    incoming.receive([13, 1, "TIMEOUT"]);
    incoming.receive([13, 2, "INTERNAL_SERVER_ERROR"]);
    incoming.receive([13, 3, "constructor"]);
    const codes = calls.map(({ signal }) => (signal.reason as TautlineError).code);
    expect(codes).toEqual(["TIMEOUT", "CLIENT_CLOSED_REQUEST", "CLIENT_CLOSED_REQUEST"]);
  });

  test("of a call that is unknown, done or cancelled already changes nothing", () => {
    const { incoming, calls, settled } = createCalls();
    incoming.receive([10, 1, "q", {}]);
    calls[0]?.sendResult(1);
    for (const id of [1, 1, 2, 99]) incoming.receive([13, id]);
    expect([calls[0]?.signal.aborted, settled]).toEqual([false, [1]]);
    incoming.receive([10, 2, "q", {}]);
    expect(calls).toHaveLength(2);
  });
});

describe("the limits of calls", () => {
  test("refuse what is over them without starting it, queries and mutations apart from subscriptions", () => {
    const { incoming, calls, refused, sent } = createCalls({ maxCalls: 2, maxSubscriptions: 1 });
    incoming.receive([10, 1, "q", {}]);
    incoming.receive([11, 2, "m", {}]);
    incoming.receive([10, 3, "q", {}]);
    incoming.receive([12, 4, "s", {}]);
    incoming.receive([12, 5, "s", {}]);
    expect(calls.map(({ id }) => id)).toEqual([1, 2, 4]);
    expect(refused.map(([{ id }, { code }]) => [id, code])).toEqual([
      [3, "TOO_MANY_REQUESTS"],
      [5, "TOO_MANY_REQUESTS"],
    ]);
    expect(sent).toMatchObject([
      [21, 3, {}],
      [21, 5, {}],
    ]);
    expect([incoming.calls, incoming.subscriptions]).toEqual([2, 1]);
  });

  test("make room again when a call settles or is cancelled", () => {
    const { incoming, calls, refused } = createCalls({ maxCalls: 1, maxSubscriptions: 1 });
    incoming.receive([10, 1, "q", {}]);
    calls[0]?.sendResult(1);
    incoming.receive([10, 2, "q", {}]);
    incoming.receive([12, 3, "s", {}]);
    incoming.receive([13, 3]);
    incoming.receive([12, 4, "s", {}]);
    expect([calls.length, refused.length]).toEqual([4, 0]);
  });

  test("are 1,000 calls and 1,000 subscriptions unless told otherwise", () => {
    const { incoming, calls, refused } = createCalls();
    for (let id = 1; id <= 2002; id++) incoming.receive([id % 2 === 0 ? 10 : 12, id, "a", {}]);
    expect([calls.length, refused.length, incoming.calls, incoming.subscriptions]).toEqual([2000, 2, 1000, 1000]);
  });

  test("hold for answers: one that is too large is thrown to whoever answers, and the call stands", () => {
    const { incoming, calls, sent } = createCalls({ maxFrameBytes: 100 });
    incoming.receive([10, 1, "q", {}]);
    expect(() => calls[0]?.sendResult("x".repeat(100))).toThrow(expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }));
    expect(() => calls[0]?.sendResult(1n)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
    calls[0]?.sendError({ message: "too large" });
    expect(sent).toEqual([[21, 1, { message: "too large" }]]);
  });
});

test("aborting all of them fires every signal with the reason, once, and leaves nothing", () => {
  const { incoming, calls, settled, sent } = createCalls();
  incoming.receive([10, 1, "q", {}]);
  incoming.receive([12, 2, "s", {}]);
  incoming.receive([11, 3, "m", {}]);
  calls[0]?.sendResult(1);
  incoming.abort(lost);
  incoming.abort(lost);
  expect(calls.map(({ signal }) => signal.aborted)).toEqual([false, true, true]);
  expect(calls[2]?.signal.reason).toBe(lost);
  expect([settled, incoming.calls, incoming.subscriptions]).toEqual([[1, 2, 3], 0, 0]);
  calls[2]?.sendResult("too late");
  expect(sent).toEqual([[20, 1, 1]]);
});

describe("credit", () => {
  test("pauses a subscription that has used it, until there is more", async () => {
    const { incoming, calls, drained } = createCalls();
    incoming.receive([12, 1, "s", {}]);
    const [call] = calls;
    for (let item = 0; item < 1024; item++) call?.sendItem(item);
    const wait = call?.ready();
    expect([wait === undefined, wait === drained]).toEqual([false, false]);
    incoming.receive([16, 1, 0, 384 * 1024]);
    await wait;
    expect(call?.ready()).toBe(drained);
  });

  test("that does not grow breaks the protocol", () => {
    const { incoming } = createCalls();
    incoming.receive([12, 1, "s", {}]);
    expect(() => incoming.receive([16, 1, 0, 256 * 1024])).toThrow("credit only grows");
  });

  test("for a call that is unknown or done changes nothing", () => {
    const { incoming, calls } = createCalls();
    incoming.receive([12, 1, "s", {}]);
    calls[0]?.sendEnd();
    incoming.receive([16, 1, 0, 1]);
    incoming.receive([16, 9, 0, 1]);
    expect(incoming.subscriptions).toBe(0);
  });
});
