import { describe, expect, test } from "vitest";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { callEach, createPipe, lost, makeCall, type Sent } from "./testing/recorded-calls.ts";

/** The callee takes ids that grow. */
function expectGrowingIds(sent: readonly Sent[]): void {
  const ids = sent.map(([, id]) => id);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
}

describe("calls", () => {
  test("are numbered from 1, whatever becomes of them", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const [first, second] = [makeCall(calls), makeCall(calls)];
    calls.receive([20, 2], pipe);
    calls.cancel(first);
    const third = makeCall(calls, "mutation", "m");
    expect([first.id, second.id, third.id]).toEqual([1, 2, 3]);
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
    for (const input of [undefined, null, 0]) makeCall(calls, "query", "q", input);
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
    expect(() => makeCall(calls, "query", "q", 1n)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
    expect(() => makeCall(calls, "query", "q", "x".repeat(100))).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
    );
    expect([calls.size, pipe.sent]).toEqual([0, []]);
    makeCall(calls, "query", "q");
    expect(pipe.sent).toHaveLength(1);
  });

  test("read their input once, when they are made", () => {
    const calls = new OutgoingCalls();
    const input = { text: "before" };
    makeCall(calls, "query", "q", input);
    input.text = "after";
    const pipe = createPipe();
    calls.attach(pipe);
    expect(pipe.sent).toMatchObject([[10, expect.any(Number), "q", {}, { text: "before" }]]);
  });

  test("wait for a pipe, and for one that is open, and are then sent in order", () => {
    const calls = new OutgoingCalls();
    makeCall(calls, "query", "first");
    const pipe = { ...createPipe(), open: true };
    calls.attach(pipe);
    pipe.open = false;
    makeCall(calls, "query", "second");
    makeCall(calls, "query", "third");
    expect(pipe.sent.map(([, , path]) => path)).toEqual(["first"]);
    pipe.open = true;
    calls.attach(pipe);
    const paths = pipe.sent.map(([, , path]) => path);
    expect(paths).toEqual(["first", "second", "third"]);
    expectGrowingIds(pipe.sent);
  });

  test("have an id each time that they are sent that is greater than any before, on whatever pipe", () => {
    const calls = new OutgoingCalls();
    const pipes = [createPipe(), createPipe(), createPipe()];
    const call = makeCall(calls, "query", "again");
    for (const pipe of pipes) {
      calls.attach(pipe);
      makeCall(calls, "query", "new");
      expect(pipe.sent[0]).toEqual([10, call.id, "again", {}]);
      calls.detach(pipe, lost, { started: true });
    }
    expectGrowingIds(pipes.flatMap(({ sent }) => sent));
  });

  test("ids keep their order when a caller calls again while waiting calls are sent", async () => {
    const calls = new OutgoingCalls(60);
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const again = makeCall(calls, "subscription", "s", "x".repeat(20));
    again.onFailed = () => makeCall(calls, "query", "again");
    makeCall(calls, "query", "q");
    // With this id the call is over the limit when it is sent again.
    calls.receive([24, 1, "e".repeat(40), 1], old);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    await Promise.resolve();
    expect(next.sent.map(([, , path]) => path)).toEqual(["q", "again"]);
    expectGrowingIds(next.sent);
  });
});

describe("answers", () => {
  test("reach the call, until the call settles", () => {
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
    calls.cancel(mutation);
    calls.receive([20, 2], pipe);
    calls.cancel(subscription);
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
    calls.attach(old);
    const call = makeCall(calls);
    const oldId = call.id;
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    calls.receive([20, oldId, "late"], old);
    calls.receive([20, oldId, "to the old id"], next);
    calls.receive([20, call.id, "from elsewhere"], old);
    expect(call.events).toEqual([]);
    calls.receive([20, call.id, "right"], next);
    expect(call.events).toEqual([["result", "right"]]);
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
  test("says so to the other end, with a reason where there is one, and nothing to the caller", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const { query, mutation } = callEach(calls);
    pipe.sent.length = 0;
    calls.cancel(query);
    calls.cancel(mutation, "TIMEOUT");
    expect(pipe.sent).toEqual([
      [13, 1],
      [13, 2, "TIMEOUT"],
    ]);
    expect([query.events, mutation.events, calls.size]).toEqual([[], [], 1]);
  });

  test("says nothing of a call that was never sent: it never is", () => {
    const calls = new OutgoingCalls();
    const { mutation } = callEach(calls);
    calls.cancel(mutation);
    const pipe = createPipe();
    calls.attach(pipe);
    expect(pipe.sent.map(([, , path]) => path)).toEqual(["q", "s"]);
  });

  test("names the id under which the call was sent last", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { mutation } = callEach(calls);
    calls.detach(old, lost, { started: false });
    calls.attach(next);
    calls.cancel(mutation);
    expect(next.sent.at(-1)).toEqual([13, mutation.id]);
    expect(old.sent.map(([type]) => type)).not.toContain(13);
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

  test("leaves a call alone that a caller makes meanwhile: it waits for the next pipe", () => {
    const calls = new OutgoingCalls();
    let failures = 0;
    const callAgain = (): void => {
      if (++failures < 100) makeCall(calls).onFailed = callAgain;
    };
    makeCall(calls).onFailed = callAgain;
    calls.close(lost);
    expect([failures, calls.size]).toEqual([1, 1]);
  });

  test("does not fail what another caller cancels meanwhile", () => {
    const calls = new OutgoingCalls();
    const [first, second] = [makeCall(calls), makeCall(calls)];
    first.onFailed = () => calls.cancel(second);
    calls.close(lost);
    expect(second.events).toEqual([]);
  });
});
