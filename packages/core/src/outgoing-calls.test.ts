import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { CallRecord } from "./testing/call-record.ts";

/** A pipe that keeps what goes in. */
function createPipe() {
  const sent: unknown[] = [];
  return { open: true, sent, send: (message: string) => sent.push(JSON.parse(message)), drained: () => undefined };
}

const lost = new TautlineError({ code: "CONNECTION_CLOSED" });

/** One call of each type, recorded. */
function callEach(calls: OutgoingCalls) {
  const [query, mutation, subscription] = [new CallRecord(), new CallRecord(), new CallRecord()];
  calls.call("query", "q", 1, query);
  calls.call("mutation", "m", 2, mutation);
  calls.call("subscription", "s", 3, subscription);
  return { query, mutation, subscription };
}

describe("calls", () => {
  test("are numbered from 1, whatever becomes of them", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const ids = [1, 2].map(() => calls.call("query", "q", undefined, new CallRecord()));
    calls.receive([20, 2], pipe);
    calls.cancel(1);
    ids.push(calls.call("mutation", "m", undefined, new CallRecord()));
    expect(ids).toEqual([1, 2, 3]);
    expect(calls.size).toBe(1);
    expect(pipe.sent).toEqual([
      [10, 1, "q", {}],
      [10, 2, "q", {}],
      [13, 1],
      [11, 3, "m", {}],
    ]);
  });

  test("leave out an input of undefined, and keep null", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    for (const input of [undefined, null, 0]) calls.call("query", "q", input, new CallRecord());
    expect(pipe.sent).toEqual([
      [10, 1, "q", {}],
      [10, 2, "q", {}, null],
      [10, 3, "q", {}, 0],
    ]);
  });

  test("throw where the input cannot be sent, and send nothing", () => {
    const calls = new OutgoingCalls(100);
    const pipe = createPipe();
    calls.attach(pipe);
    expect(() => calls.call("query", "q", 1n, new CallRecord())).toThrow(
      expect.objectContaining({ code: "BAD_REQUEST" }),
    );
    expect(() => calls.call("query", "q", "x".repeat(100), new CallRecord())).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
    );
    expect([calls.size, pipe.sent]).toEqual([0, []]);
    calls.call("query", "q", undefined, new CallRecord());
    expect(pipe.sent).toHaveLength(1);
  });

  test("read their input once, when they are made", () => {
    const calls = new OutgoingCalls();
    const input = { text: "before" };
    calls.call("query", "q", input, new CallRecord());
    input.text = "after";
    const pipe = createPipe();
    calls.attach(pipe);
    expect(pipe.sent).toEqual([[10, 1, "q", {}, { text: "before" }]]);
  });

  test("wait for a pipe, and for one that is open, and are then sent in order", () => {
    const calls = new OutgoingCalls();
    calls.call("query", "first", undefined, new CallRecord());
    const pipe = { ...createPipe(), open: true };
    calls.attach(pipe);
    pipe.open = false;
    calls.call("query", "second", undefined, new CallRecord());
    calls.call("query", "third", undefined, new CallRecord());
    expect(pipe.sent).toEqual([[10, 1, "first", {}]]);
    pipe.open = true;
    calls.attach(pipe);
    expect(pipe.sent).toEqual([
      [10, 1, "first", {}],
      [10, 2, "second", {}],
      [10, 3, "third", {}],
    ]);
  });
});

describe("answers", () => {
  test("reach the call's observer, until the call settles", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const { query, mutation, subscription } = callEach(calls);
    calls.receive([22, 3], pipe);
    calls.receive([21, 2, { message: "no" }], pipe);
    calls.receive([23, 3, "x"], pipe);
    calls.receive([24, 3, "e", "y"], pipe);
    calls.receive([26, 3, "f", "z"], pipe);
    calls.receive([20, 1, "result"], pipe);
    calls.receive([25, 3], pipe);
    expect(query.events).toEqual([["result", "result"]]);
    expect(mutation.events).toEqual([["error", { message: "no" }]]);
    expect(subscription.events).toEqual([["started"], ["item", "x"], ["item", "y", "e"], ["item", "z"], ["end"]]);
    expect(calls.size).toBe(0);
  });

  test("hold undefined where their value was left out", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const { query, subscription } = callEach(calls);
    calls.receive([23, 3], pipe);
    calls.receive([24, 3, "e"], pipe);
    calls.receive([20, 1], pipe);
    expect(query.events).toEqual([["result", undefined]]);
    expect(subscription.events).toEqual([
      ["item", undefined],
      ["item", undefined, "e"],
    ]);
  });

  test("are left out after the call has settled or was cancelled", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const { query, mutation, subscription } = callEach(calls);
    calls.receive([20, 1, "first"], pipe);
    calls.receive([20, 1, "second"], pipe);
    calls.receive([21, 1, {}], pipe);
    calls.cancel(2);
    calls.receive([20, 2], pipe);
    calls.cancel(3);
    calls.receive([23, 3], pipe);
    expect([query.events, mutation.events, subscription.events]).toEqual([[["result", "first"]], [], []]);
  });

  test("to a call that was never made break the protocol", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const { query } = callEach(calls);
    for (const type of [20, 21, 22, 23, 25] as const) {
      expect(() => calls.receive([type, 4, "x"] as [20, number, string], pipe)).toThrow(
        expect.objectContaining({ code: "BAD_MESSAGE" }),
      );
    }
    for (const type of [24, 26] as const) {
      expect(() => calls.receive([type, 4, "e"], pipe)).toThrow(expect.objectContaining({ code: "BAD_MESSAGE" }));
    }
    expect([query.events, calls.size]).toEqual([[], 3]);
  });

  test("through a pipe that the call was not sent through are left out", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    const record = new CallRecord();
    calls.attach(old);
    calls.call("query", "q", undefined, record);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    calls.receive([20, 1, "late"], old);
    expect(record.events).toEqual([]);
    calls.receive([20, 1, "right"], next);
    expect(record.events).toEqual([["result", "right"]]);
  });

  test("that are calls break the protocol: nothing is served by calls alone", () => {
    const calls = new OutgoingCalls();
    for (const type of [10, 11, 12] as const) {
      expect(() => calls.receive([type, 1, "q", {}], createPipe())).toThrow(
        expect.objectContaining({ code: "BAD_MESSAGE" }),
      );
    }
  });
});

describe("cancelling", () => {
  test("says so to the other end, with a reason where there is one, and nothing to the observer", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const { query, mutation } = callEach(calls);
    pipe.sent.length = 0;
    calls.cancel(1);
    calls.cancel(1);
    calls.cancel(2, "TIMEOUT");
    calls.cancel(99);
    expect(pipe.sent).toEqual([
      [13, 1],
      [13, 2, "TIMEOUT"],
    ]);
    expect([query.events, mutation.events, calls.size]).toEqual([[], [], 1]);
  });

  test("says nothing of a call that was never sent: it never is", () => {
    const calls = new OutgoingCalls();
    callEach(calls);
    calls.cancel(2);
    const pipe = createPipe();
    calls.attach(pipe);
    expect(pipe.sent).toEqual([
      [10, 1, "q", {}, 1],
      [12, 3, "s", {}, 3],
    ]);
  });
});

describe("when the pipe is gone", () => {
  test("queries and subscriptions are sent again, these after the last event that was seen; mutations fail", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { query, mutation, subscription } = callEach(calls);
    calls.receive([22, 3], old);
    calls.receive([24, 3, "e1", "a"], old);
    calls.receive([26, 3, "e2", "b"], old);
    calls.receive([23, 3, "untracked"], old);
    calls.detach(old, lost, { started: true });
    expect(mutation.events).toMatchObject([["failed", { code: "OUTCOME_UNKNOWN", cause: lost }]]);
    calls.attach(next);
    expect(next.sent).toEqual([
      [10, 1, "q", {}, 1],
      [12, 3, "s", { lastEventId: "e2" }, 3],
    ]);
    calls.receive([22, 3], next);
    calls.receive([24, 3, "e3", "c"], next);
    calls.receive([20, 1, "r"], next);
    expect(query.events).toEqual([["result", "r"]]);
    expect(subscription.events.slice(-2)).toEqual([["started"], ["item", "c", "e3"]]);
  });

  test("mutations are sent again where the other end is known to have started none", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { mutation } = callEach(calls);
    calls.detach(old, lost, { started: false });
    expect(mutation.events).toEqual([]);
    calls.attach(next);
    expect(next.sent).toEqual(old.sent);
  });

  test("mutations that were never sent are sent", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    calls.detach(old, lost, { started: true });
    const { mutation } = callEach(calls);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    expect(next.sent).toContainEqual([11, 2, "m", {}, 2]);
    expect(mutation.events).toEqual([]);
  });

  test("nothing is sent until there is another one", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    calls.detach(pipe, lost, { started: true });
    callEach(calls);
    calls.cancel(1);
    expect(pipe.sent).toEqual([]);
  });

  test("ids keep their order when an observer calls again while waiting calls are sent", async () => {
    const calls = new OutgoingCalls(60);
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const again = new CallRecord();
    again.onFailed = () => calls.call("query", "again", undefined, new CallRecord());
    calls.call("subscription", "s", "x".repeat(20), again);
    calls.call("query", "q", undefined, new CallRecord());
    // With this id the call is over the limit when it is sent again.
    calls.receive([24, 1, "e".repeat(40), 1], old);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    await Promise.resolve();
    expect(next.sent).toEqual([
      [10, 2, "q", {}],
      [10, 3, "again", {}],
    ]);
  });
});

describe("closing", () => {
  test("fails every call with the reason, a mutation that was sent as unknown", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const { query, mutation, subscription } = callEach(calls);
    calls.close(lost);
    expect([query.events, subscription.events]).toEqual([[["failed", lost]], [["failed", lost]]]);
    expect(mutation.events).toMatchObject([["failed", { code: "OUTCOME_UNKNOWN", cause: lost }]]);
    expect(calls.size).toBe(0);
  });

  test("fails a mutation that was never sent with the reason itself", () => {
    const calls = new OutgoingCalls();
    const { mutation } = callEach(calls);
    calls.close(lost);
    expect(mutation.events).toEqual([["failed", lost]]);
  });

  test("leaves a call alone that an observer makes meanwhile: it waits for the next pipe", () => {
    const calls = new OutgoingCalls();
    const record = new CallRecord();
    let failures = 0;
    record.onFailed = () => {
      if (++failures < 100) calls.call("query", "again", undefined, record);
    };
    calls.call("query", "q", undefined, record);
    calls.close(lost);
    expect([failures, calls.size]).toEqual([1, 1]);
  });

  test("does not fail what another observer cancels meanwhile", () => {
    const calls = new OutgoingCalls();
    const [first, second] = [new CallRecord(), new CallRecord()];
    first.onFailed = () => calls.cancel(2);
    calls.call("query", "q", undefined, first);
    calls.call("query", "q", undefined, second);
    calls.close(lost);
    expect(second.events).toEqual([]);
  });
});
