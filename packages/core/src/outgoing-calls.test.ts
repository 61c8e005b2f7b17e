import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { CallRecord } from "./testing/call-record.ts";

type Sent = readonly [type: number, id: number, ...unknown[]];

/** A pipe that keeps what goes in. */
function createPipe() {
  const sent: Sent[] = [];
  const send = (message: string): void => void sent.push(JSON.parse(message) as Sent);
  return { open: true, sent, send, decode: () => [], drained: () => undefined };
}

const lost = new TautlineError({ code: "CONNECTION_CLOSED" });

/** The callee takes ids that grow. */
function expectGrowingIds(sent: readonly Sent[]): void {
  const ids = sent.map(([, id]) => id);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
}

/** One call of each type, recorded, and the handles by which they are cancelled. */
function callEach(calls: OutgoingCalls) {
  const [query, mutation, subscription] = [new CallRecord(), new CallRecord(), new CallRecord()];
  const handles = {
    query: calls.call("query", "q", 1, query),
    mutation: calls.call("mutation", "m", 2, mutation),
    subscription: calls.call("subscription", "s", 3, subscription),
  };
  return { query, mutation, subscription, handles };
}

describe("calls", () => {
  test("are numbered from 1, whatever becomes of them", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const [first, second] = [1, 2].map(() => calls.call("query", "q", undefined, new CallRecord()));
    if (first === undefined) throw new Error("a call has a handle");
    calls.receive([20, 2], pipe);
    calls.cancel(first);
    const third = calls.call("mutation", "m", undefined, new CallRecord());
    expect([first.id, second?.id, third.id]).toEqual([1, 2, 3]);
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
    expect(pipe.sent).toMatchObject([[10, expect.any(Number), "q", {}, { text: "before" }]]);
  });

  test("wait for a pipe, and for one that is open, and are then sent in order", () => {
    const calls = new OutgoingCalls();
    calls.call("query", "first", undefined, new CallRecord());
    const pipe = { ...createPipe(), open: true };
    calls.attach(pipe);
    pipe.open = false;
    calls.call("query", "second", undefined, new CallRecord());
    calls.call("query", "third", undefined, new CallRecord());
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
    const handle = calls.call("query", "again", undefined, new CallRecord());
    for (const pipe of pipes) {
      calls.attach(pipe);
      calls.call("query", "new", undefined, new CallRecord());
      expect(pipe.sent[0]).toEqual([10, handle.id, "again", {}]);
      calls.detach(pipe, lost, { started: true });
    }
    expectGrowingIds(pipes.flatMap(({ sent }) => sent));
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
    const { query, mutation, subscription, handles } = callEach(calls);
    calls.receive([20, 1, "first"], pipe);
    calls.receive([20, 1, "second"], pipe);
    calls.receive([21, 1, {}], pipe);
    calls.cancel(handles.mutation);
    calls.receive([20, 2], pipe);
    calls.cancel(handles.subscription);
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
    const handle = calls.call("query", "q", undefined, record);
    const oldId = handle.id;
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    calls.receive([20, oldId, "late"], old);
    calls.receive([20, oldId, "to the old id"], next);
    calls.receive([20, handle.id, "from elsewhere"], old);
    expect(record.events).toEqual([]);
    calls.receive([20, handle.id, "right"], next);
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
    const { query, mutation, handles } = callEach(calls);
    pipe.sent.length = 0;
    calls.cancel(handles.query);
    calls.cancel(handles.query);
    calls.cancel(handles.mutation, "TIMEOUT");
    expect(pipe.sent).toEqual([
      [13, 1],
      [13, 2, "TIMEOUT"],
    ]);
    expect([query.events, mutation.events, calls.size]).toEqual([[], [], 1]);
  });

  test("says nothing of a call that was never sent: it never is", () => {
    const calls = new OutgoingCalls();
    const { handles } = callEach(calls);
    calls.cancel(handles.mutation);
    const pipe = createPipe();
    calls.attach(pipe);
    expect(pipe.sent.map(([, , path]) => path)).toEqual(["q", "s"]);
  });

  test("names the id under which the call was sent last", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { handles } = callEach(calls);
    calls.detach(old, lost, { started: false });
    calls.attach(next);
    calls.cancel(handles.mutation);
    expect(next.sent.at(-1)).toEqual([13, handles.mutation.id]);
    expect(old.sent.map(([type]) => type)).not.toContain(13);
  });
});

describe("when the pipe is gone", () => {
  test("queries and subscriptions are sent again, these after the last event that was seen; mutations fail", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { query, mutation, subscription, handles } = callEach(calls);
    calls.receive([22, 3], old);
    calls.receive([24, 3, "e1", "a"], old);
    calls.receive([26, 3, "e2", "b"], old);
    calls.receive([23, 3, "untracked"], old);
    calls.detach(old, lost, { started: true });
    expect(mutation.events).toMatchObject([["failed", { code: "OUTCOME_UNKNOWN", cause: lost }]]);
    calls.attach(next);
    expect(next.sent).toEqual([
      [10, handles.query.id, "q", {}, 1],
      [12, handles.subscription.id, "s", { lastEventId: "e2" }, 3],
    ]);
    calls.receive([22, handles.subscription.id], next);
    calls.receive([24, handles.subscription.id, "e3", "c"], next);
    calls.receive([20, handles.query.id, "r"], next);
    expect(query.events).toEqual([["result", "r"]]);
    expect(subscription.events.slice(-2)).toEqual([["started"], ["item", "c", "e3"]]);
  });

  test("mutations are sent again where the other end is known to have started none", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { mutation, handles } = callEach(calls);
    calls.detach(old, lost, { started: false });
    expect(mutation.events).toEqual([]);
    calls.attach(next);
    expect(next.sent).toEqual([
      [10, handles.query.id, "q", {}, 1],
      [11, handles.mutation.id, "m", {}, 2],
      [12, handles.subscription.id, "s", {}, 3],
    ]);
  });

  test("mutations that were never sent are sent", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    calls.detach(old, lost, { started: true });
    const { mutation, handles } = callEach(calls);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    expect(next.sent).toContainEqual([11, handles.mutation.id, "m", {}, 2]);
    expect(mutation.events).toEqual([]);
  });

  test("nothing is sent until there is another one", () => {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    calls.detach(pipe, lost, { started: true });
    const { handles } = callEach(calls);
    calls.cancel(handles.query);
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
    expect(next.sent.map(([, , path]) => path)).toEqual(["q", "again"]);
    expectGrowingIds(next.sent);
  });
});

describe("a call that was declined", () => {
  test("waits for the next pipe, a mutation too: it was not started", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { mutation, handles } = callEach(calls);
    calls.receive([27, 2], old);
    expect([calls.countOn(old), calls.size]).toEqual([2, 3]);
    calls.detach(old, lost, { started: true });
    calls.attach(next);
    expect(next.sent).toContainEqual([11, handles.mutation.id, "m", {}, 2]);
    calls.receive([20, handles.mutation.id, "done"], next);
    expect(mutation.events).toEqual([["result", "done"]]);
  });

  test("goes at once where the next pipe is there already", () => {
    const calls = new OutgoingCalls();
    const [old, next] = [createPipe(), createPipe()];
    calls.attach(old);
    const { handles } = callEach(calls);
    calls.attach(next);
    calls.receive([27, 2], old);
    expect(next.sent).toEqual([[11, handles.mutation.id, "m", {}, 2]]);
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
    calls.call("query", "later", undefined, new CallRecord());
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
    const { subscription, handles } = callEach(calls);
    calls.receive([22, 3], old);
    calls.receive([24, 3, "e1", "a"], old);
    calls.leave(old);
    expect(old.sent.at(-1)).toEqual([13, 3]);
    calls.receive([24, 3, "e2", "late"], old);
    calls.attach(next);
    expect(next.sent).toEqual([[12, handles.subscription.id, "s", { lastEventId: "e1" }, 3]]);
    expect(subscription.events).toEqual([["started"], ["item", "a", "e1"]]);
    expect(calls.countOn(old)).toBe(2);
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
    first.onFailed = () => calls.cancel(other);
    calls.call("query", "q", undefined, first);
    const other = calls.call("query", "q", undefined, second);
    calls.close(lost);
    expect(second.events).toEqual([]);
  });
});

describe("credit", () => {
  function createSubscription() {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const record = new CallRecord();
    return { calls, pipe, record, call: calls.call("subscription", "s", undefined, record) };
  }

  test("is granted as items are taken, half a window at a time", () => {
    const { calls, pipe, record, call } = createSubscription();
    for (let item = 0; item < 1024; item++) calls.receive([23, 1, item], pipe, 20);
    expect(pipe.sent).toHaveLength(1);
    for (const length of record.lengths) calls.take(call, 1, length);
    expect(pipe.sent.slice(1)).toEqual([
      [16, 1, 0, 384 * 1024],
      [16, 1, 0, 512 * 1024],
    ]);
  });

  test("is held to: an item without it breaks the protocol", () => {
    const { calls, pipe } = createSubscription();
    for (let item = 0; item < 1024; item++) calls.receive([24, 1, `${item}`], pipe);
    expect(() => calls.receive([24, 1, "1024"], pipe)).toThrow("an item without credit");
  });

  test("begins anew where the subscription does: what came before is taken without a word", () => {
    const { calls, pipe, record, call } = createSubscription();
    for (let item = 0; item < 1024; item++) calls.receive([26, 1, `${item}`, item], pipe);
    calls.detach(pipe, lost, { started: true });
    const next = createPipe();
    calls.attach(next);
    for (const length of record.lengths) calls.take(call, 1, length);
    for (let item = 0; item < 1024; item++) calls.receive([26, 2, `${item}`, item], next);
    expect(next.sent).toEqual([[12, 2, "s", { lastEventId: "1023" }]]);
    for (let item = 0; item < 512; item++) calls.take(call, 2, 0);
    expect(next.sent.slice(1)).toEqual([[16, 2, 0, 384 * 1024]]);
  });

  test("is not granted to what has ended", () => {
    const { calls, pipe, record, call } = createSubscription();
    for (let item = 0; item < 1024; item++) calls.receive([23, 1], pipe);
    calls.cancel(call);
    for (const length of record.lengths) calls.take(call, 1, length);
    expect(pipe.sent.map(([type]) => type)).toEqual([12, 13]);
  });
});

describe("a channel", () => {
  function subscribe(count: number) {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const records = Array.from({ length: count }, () => new CallRecord());
    const handles = records.map((record) => calls.call("subscription", "s", undefined, record));
    return { calls, pipe, records, handles };
  }

  test("brings an event to every call that is on it, with its id to those who are to see it", () => {
    const { calls, pipe, records, handles } = subscribe(3);
    calls.receive([34, 1, 7], pipe);
    calls.receive([34, 3, 7, true], pipe);
    calls.receive([35, 7, "e1", "hi"], pipe);
    expect(records.map(({ events }) => events)).toEqual([[["item", "hi"]], [], [["item", "hi", "e1"]]]);
    expect(handles.map(({ lastEventId }) => lastEventId)).toEqual(["e1", undefined, "e1"]);
  });

  test("brings nothing more to a call that is taken off it, is put on another, is done, or was cancelled", () => {
    const { calls, pipe, records, handles } = subscribe(4);
    for (const id of [1, 2, 3, 4]) calls.receive([34, id, 7], pipe);
    calls.receive([34, 1, 0], pipe);
    calls.receive([34, 2, 8], pipe);
    calls.receive([25, 3], pipe);
    if (handles[3] !== undefined) calls.cancel(handles[3]);
    calls.receive([35, 7, "e1"], pipe);
    expect(records.map(({ events }) => events)).toEqual([[], [], [["end"]], []]);
    calls.receive([35, 8, "e1"], pipe);
    expect(records[1]?.events).toEqual([["item", undefined]]);
  });

  test("is one pipe's own: another's of the same number brings its calls nothing", () => {
    const { calls, pipe, records } = subscribe(1);
    calls.receive([34, 1, 7], pipe);
    const next = createPipe();
    calls.receive([35, 7, "e1", 1], next);
    calls.detach(pipe, lost, { started: true });
    calls.attach(next);
    calls.receive([35, 7, "e2", 2], next);
    calls.receive([34, 2, 7], next);
    calls.receive([35, 7, "e3", 3], pipe);
    calls.receive([35, 7, "e4", 4], next);
    expect(records[0]?.events).toEqual([["item", 4]]);
  });

  test("takes of each call's credit; an event for which a call has none breaks the protocol", () => {
    const { calls, pipe } = subscribe(2);
    for (const id of [1, 2]) calls.receive([34, id, 7], pipe);
    calls.receive([35, 7, "e1", 1], pipe, 300_000);
    expect(() => calls.receive([35, 7, "e2", 2], pipe, 10)).toThrow(expect.objectContaining({ code: "BAD_MESSAGE" }));
  });

  test("of no call is one that was on its way; a call that was never made is a bad message", () => {
    const { calls, pipe, records } = subscribe(1);
    calls.receive([35, 9, "e1", 1], pipe);
    expect(records[0]?.events).toEqual([]);
    expect(() => calls.receive([34, 2, 9], pipe)).toThrow(expect.objectContaining({ code: "BAD_MESSAGE" }));
  });
});
