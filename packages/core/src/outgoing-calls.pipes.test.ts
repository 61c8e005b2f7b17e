import { describe, expect, test } from "vitest";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { callEach, createPipe, lost, makeCall } from "./testing/recorded-calls.ts";

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
      [10, query.id, "q", {}, 1],
      [12, subscription.id, "s", { lastEventId: "e2" }, 3],
    ]);
    calls.receive([22, subscription.id], next);
    calls.receive([24, subscription.id, "e3", "c"], next);
    calls.receive([20, query.id, "r"], next);
    expect(query.events).toEqual([["result", "r"]]);
    expect(subscription.events.slice(-2)).toEqual([["started"], ["item", "c", "e3"]]);
  });

  test("mutations are sent again where the other end is known to have started none", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { query, mutation, subscription } = callEach(calls);
    calls.detach(old, lost, { started: false });
    expect(mutation.events).toEqual([]);
    calls.attach(next);
    expect(next.sent).toEqual([
      [10, query.id, "q", {}, 1],
      [11, mutation.id, "m", {}, 2],
      [12, subscription.id, "s", {}, 3],
    ]);
  });

  test("mutations that were never sent are sent", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    calls.detach(old, lost, { started: true });
    const { mutation } = callEach(calls);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    expect(next.sent).toContainEqual([11, mutation.id, "m", {}, 2]);
    expect(mutation.events).toEqual([]);
  });

  test("nothing is sent until there is another one", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    calls.detach(pipe, lost, { started: true });
    const { query } = callEach(calls);
    calls.cancel(query);
    expect(pipe.sent).toEqual([]);
  });
});

describe("a call that was declined", () => {
  test("waits for the next pipe, a mutation too: it was not started", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { mutation } = callEach(calls);
    calls.receive([27, 2], old);
    expect([calls.countOn(old), calls.size]).toEqual([2, 3]);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    expect(next.sent).toContainEqual([11, mutation.id, "m", {}, 2]);
    calls.receive([20, mutation.id, "done"], next);
    expect(mutation.events).toEqual([["result", "done"]]);
  });

  test("goes at once where the next pipe is there already", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { mutation } = callEach(calls);
    calls.attach(next);
    calls.receive([27, 2], old);
    expect(next.sent).toEqual([[11, mutation.id, "m", {}, 2]]);
  });

  test("is not sent again to the pipe that declined it", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    callEach(calls);
    pipe.sent.length = 0;
    for (const id of [1, 2, 3]) calls.receive([27, id], pipe);
    expect(pipe.sent).toEqual([]);
  });
});

describe("moving from one pipe to the next", () => {
  test("new calls wait while it is held, and what was asked on the old one is answered there", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { query } = callEach(calls);
    calls.hold();
    makeCall(calls, "query", "later");
    expect(old.sent).toHaveLength(3);
    calls.attach(next);
    expect(next.sent.map(([, , path]) => path)).toEqual(["later"]);
    calls.receive([20, 1, "from the old one"], old);
    expect(query.events).toEqual([["result", "from the old one"]]);
    expect([calls.countOn(old), calls.countOn(next)]).toEqual([2, 1]);
  });

  test("subscriptions are ended on the old one and started on the next, after the last event that was seen", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { subscription } = callEach(calls);
    calls.receive([22, 3], old);
    calls.receive([24, 3, "e1", "a"], old);
    calls.attach(next);
    calls.leave(old);
    expect(old.sent.at(-1)).toEqual([13, 3]);
    calls.receive([24, 3, "e2", "late"], old);
    expect(next.sent).toEqual([[12, subscription.id, "s", { lastEventId: "e1" }, 3]]);
    expect(subscription.events).toEqual([["started"], ["item", "a", "e1"]]);
    expect(calls.countOn(old)).toBe(2);
  });
});
