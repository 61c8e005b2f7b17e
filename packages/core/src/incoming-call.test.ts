import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";
import { IncomingCall } from "./incoming-call.ts";
import type { CalleeMessage } from "./protocol.ts";
import { rich } from "./rich.ts";

type Type = "query" | "mutation" | "subscription";

function createCall(type: Type = "query") {
  const sent: CalleeMessage[] = [];
  const settled: IncomingCall[] = [];
  const drained = Promise.resolve();
  const replies = {
    sendReply: (message: CalleeMessage) => {
      const { length } = JSON.stringify(message);
      sent.push(message);
      return length;
    },
    pipe: { open: true, send: () => {}, decode: () => [], drained: () => undefined },
    sendValue: (message: CalleeMessage) => replies.sendReply(message),
    onSettled: (call: IncomingCall) => settled.push(call),
    onStreamsOver: () => {},
    drained: () => drained,
  };
  const call = new IncomingCall(replies, { id: 7, type, path: "a.b", fields: { lastEventId: "e" }, input: 1 });
  return { call, sent, settled, drained };
}

const reason = new TautlineError({ code: "CLIENT_CLOSED_REQUEST" });

describe("IncomingCall", () => {
  test("holds what came", () => {
    const { call } = createCall("subscription");
    expect(call).toMatchObject({ id: 7, type: "subscription", path: "a.b", fields: { lastEventId: "e" }, input: 1 });
    expect(call.settled).toBe(false);
  });

  test("writes each of its answers; what is undefined is left out", () => {
    const { call, sent } = createCall("subscription");
    call.sendStarted();
    call.sendItem("x");
    call.sendItem(undefined);
    call.sendItem(null);
    call.sendTrackedItem("e1", "y", true);
    call.sendTrackedItem("e2", undefined, true);
    call.sendTrackedItem("e3", "z", false);
    call.sendTrackedItem("e4", undefined, false);
    call.sendEnd();
    expect(sent).toEqual([
      [22, 7],
      [23, 7, "x"],
      [23, 7],
      [23, 7, null],
      [24, 7, "e1", "y"],
      [24, 7, "e2"],
      [26, 7, "e3", "z"],
      [26, 7, "e4"],
      [25, 7],
    ]);
    expect(sent.map((message) => message.length)).toEqual([2, 3, 2, 3, 4, 3, 4, 3, 2]);
  });

  test.each<[string, (call: IncomingCall) => void, CalleeMessage]>([
    ["a result", (call) => call.sendResult(5), [20, 7, 5]],
    ["a result of undefined", (call) => call.sendResult(undefined), [20, 7]],
    ["an error", (call) => call.sendError({ message: "no" }), [21, 7, { message: "no" }]],
    ["an end", (call) => call.sendEnd(), [25, 7]],
  ])("settles once with %s, and says nothing after it", (_name, settle, message) => {
    const { call, sent, settled } = createCall();
    settle(call);
    expect([sent, settled, call.settled]).toEqual([[message], [call], true]);
    call.sendResult(1);
    call.sendError({});
    call.sendStarted();
    call.sendItem(1);
    call.sendTrackedItem("e", 1, true);
    call.sendEnd();
    call.abort(reason);
    expect([sent.length, settled.length]).toEqual([1, 1]);
  });

  test("still stands when an answer cannot be encoded, so that an error can be sent instead", () => {
    const { call, sent, settled } = createCall();
    expect(() => call.sendResult(1n)).toThrow(TypeError);
    expect(() => call.sendItem(1n)).toThrow(TypeError);
    expect(() => call.sendTrackedItem("e", 1n, true)).toThrow(TypeError);
    expect([call.settled, settled]).toEqual([false, []]);
    call.sendError({ message: "no" });
    expect(sent).toEqual([[21, 7, { message: "no" }]]);
  });

  test("ends the sources of what it is to send when it has settled", () => {
    const { call, sent } = createCall("subscription");
    const ended: string[] = [];
    const valueOf = (name: string): unknown =>
      rich.serialize({
        stream: { [Symbol.asyncIterator]: () => ({ next: () => {}, return: () => void ended.push(name) }) },
      });
    call.abort(reason);
    call.sendItem(valueOf("item"));
    call.sendTrackedItem("e", valueOf("tracked item"));
    call.sendResult(valueOf("result"));
    expect([sent, ended]).toEqual([[], ["item", "tracked item", "result"]]);
  });

  test("is no longer paused by the connection once it has settled", () => {
    const { call, drained } = createCall();
    expect(call.ready()).toBe(drained);
    call.sendEnd();
    expect(call.ready()).toBeUndefined();
  });
});

describe("aborting a call", () => {
  test("fires its signal with the reason, then calls onAborted, and says nothing to the caller", () => {
    const { call, sent, settled } = createCall();
    const order: string[] = [];
    call.signal.addEventListener("abort", () => order.push("signal"));
    call.onAborted = () => order.push("onAborted");
    call.abort(reason);
    expect(order).toEqual(["signal", "onAborted"]);
    expect(call.signal.reason).toBe(reason);
    expect([sent, settled, call.settled]).toEqual([[], [call], true]);
  });

  test("happens once", () => {
    const { call, settled } = createCall();
    let aborted = 0;
    call.onAborted = () => aborted++;
    call.abort(reason);
    call.abort(new TautlineError({ code: "TIMEOUT" }));
    expect([aborted, settled.length, call.signal.reason]).toEqual([1, 1, reason]);
  });

  test("shows in a signal that is first read afterwards", () => {
    const { call } = createCall();
    call.abort(reason);
    expect(call.signal.aborted).toBe(true);
    expect(call.signal.reason).toBe(reason);
    expect(call.signal).toBe(call.signal);
  });

  test("does not reach the signal of a call that is done, read before or after", () => {
    for (const readFirst of [true, false]) {
      const { call } = createCall();
      if (readFirst) expect(call.signal.aborted).toBe(false);
      call.sendResult(1);
      call.abort(reason);
      expect(call.signal.aborted).toBe(false);
    }
  });

  test("finds the call settled already: what a listener answers is left out", () => {
    const { call, sent } = createCall();
    call.signal.addEventListener("abort", () => call.sendResult("too late"));
    call.abort(reason);
    expect(sent).toEqual([]);
  });
});
