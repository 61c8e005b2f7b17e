import { describe, expect, test } from "vitest";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { createPipe, lost, makeCall } from "./testing/recorded-calls.ts";

describe("credit", () => {
  function createSubscription() {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    return { calls, pipe, call: makeCall(calls, "subscription") };
  }

  test("is granted as items are taken, half a window at a time", () => {
    const { calls, pipe, call } = createSubscription();
    for (let item = 0; item < 1024; item++) calls.receive([23, 1, item], pipe, 20);
    expect(pipe.sent).toHaveLength(1);
    for (const length of call.lengths) calls.take(call, 1, length);
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
    const { calls, pipe, call } = createSubscription();
    for (let item = 0; item < 1024; item++) calls.receive([26, 1, `${item}`, item], pipe);
    calls.detach(pipe, lost, { started: true });
    const next = createPipe();
    calls.attach(next);
    for (const length of call.lengths) calls.take(call, 1, length);
    for (let item = 0; item < 1024; item++) calls.receive([26, 2, `${item}`, item], next);
    expect(next.sent).toEqual([[12, 2, "s", { lastEventId: "1023" }]]);
    for (let item = 0; item < 512; item++) calls.take(call, 2, 0);
    expect(next.sent.slice(1)).toEqual([[16, 2, 0, 384 * 1024]]);
  });

  test("is not granted to what has ended", () => {
    const { calls, pipe, call } = createSubscription();
    for (let item = 0; item < 1024; item++) calls.receive([23, 1], pipe);
    calls.cancel(call);
    for (const length of call.lengths) calls.take(call, 1, length);
    expect(pipe.sent.map(([type]) => type)).toEqual([12, 13]);
  });
});

describe("a channel", () => {
  function subscribe(count: number) {
    const calls = new OutgoingCalls();
    const pipe = createPipe();
    calls.attach(pipe);
    const records = Array.from({ length: count }, () => makeCall(calls, "subscription"));
    return { calls, pipe, records };
  }

  test("brings an event to every call that is on it, with its id to those who are to see it", () => {
    const { calls, pipe, records } = subscribe(3);
    calls.receive([34, 1, 7], pipe);
    calls.receive([34, 3, 7, true], pipe);
    calls.receive([35, 7, "e1", "hi"], pipe);
    expect(records.map(({ events }) => events)).toEqual([[["item", "hi"]], [], [["item", "hi", "e1"]]]);
    expect(records.map(({ lastEventId }) => lastEventId)).toEqual(["e1", undefined, "e1"]);
  });

  test("brings nothing more to a call that is taken off it, is put on another, is done, or was cancelled", () => {
    const { calls, pipe, records } = subscribe(4);
    for (const id of [1, 2, 3, 4]) calls.receive([34, id, 7], pipe);
    calls.receive([34, 1, 0], pipe);
    calls.receive([34, 2, 8], pipe);
    calls.receive([25, 3], pipe);
    if (records[3] !== undefined) calls.cancel(records[3]);
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
