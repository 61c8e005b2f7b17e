import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";
import type { IncomingCall } from "./incoming-call.ts";
import { Pump } from "./pump.ts";
import { CallRecord } from "./testing/call-record.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { createPair } from "./testing/pair.ts";
import { makeCall } from "./testing/recorded-calls.ts";

const lost = new TautlineError({ code: "CONNECTION_CLOSED" });

describe("two peers", () => {
  test("call each other at the same time, with the same ids, through the same code", async () => {
    const echo = (name: string) => (call: IncomingCall) => call.sendResult(`${name}: ${String(call.input)}`);
    const pair = createPair({ server: { onCall: echo("server") }, client: { onCall: echo("client") } });
    const records = [
      makeCall(pair.client.calls, "query", "echo", 1),
      makeCall(pair.server.calls, "query", "echo", 2),
      makeCall(pair.client.calls, "query", "echo", 3),
    ];
    await pair.settled();
    expect(records.map(({ events }) => events)).toEqual([
      [["result", "server: 1"]],
      [["result", "client: 2"]],
      [["result", "server: 3"]],
    ]);
    expect(pair.client.messages).toEqual([
      [10, 1, "echo", {}, 1],
      [10, 2, "echo", {}, 3],
      [20, 1, "client: 2"],
    ]);
  });

  test("put the calls of one turn in one frame, and their answers in one", async () => {
    const pair = createPair({ server: { onCall: (call) => call.sendResult(call.id) } });
    for (let count = 0; count < 3; count++) makeCall(pair.client.calls, "query", "q");
    await pair.settled();
    expect(pair.client.frames).toEqual(['[[10,1,"q",{}],[10,2,"q",{}],[10,3,"q",{}]]']);
    expect(pair.server.frames).toEqual(["[[20,1,1],[20,2,2],[20,3,3]]"]);
  });

  test("call back while they are called", async () => {
    const pair = createPair({
      client: { onCall: (call) => call.sendResult("sure") },
      server: {
        onCall: (call) => {
          const question = new CallRecord("query", "sure?");
          question.onResult = (answer) => call.sendResult({ answer });
          pair.server.calls.call(question);
        },
      },
    });
    const record = makeCall(pair.client.calls, "mutation", "delete", 1);
    await pair.settled();
    expect(record.events).toEqual([["result", { answer: "sure" }]]);
  });

  test("make their first call over whatever they are attached to by then, and count what runs in either direction", async () => {
    const calls: IncomingCall[] = [];
    const onCall = (call: IncomingCall): void => void calls.push(call);
    const pair = createPair({ server: { onCall }, client: { onCall } });
    pair.connect();
    await pair.settled();
    const record = makeCall(pair.server.calls, "query", "late");
    makeCall(pair.client.calls, "query", "other");
    await pair.settled();
    expect([pair.server.peer.size, pair.client.peer.size]).toEqual([2, 2]);
    for (const call of calls) call.sendResult(1);
    await pair.settled();
    expect(record.events).toEqual([["result", 1]]);
    expect([pair.server.peer.size, pair.client.peer.size]).toEqual([0, 0]);
  });

  test("end a subscription at both ends when it is cancelled", async () => {
    const clock = new FakeClock();
    let cleaned = 0;
    async function* ticks() {
      try {
        for (let tick = 0; ; tick++) {
          yield tick;
          await new Promise<void>((resolve) => clock.setTimeout(resolve, 10));
        }
      } finally {
        cleaned++;
      }
    }
    const onCall = (call: IncomingCall): void =>
      new Pump({
        target: call,
        source: ticks(),
        clock,
        onItem: (item) => call.sendItem(item),
        onError: () => {},
      }).start();
    const pair = createPair({ server: { onCall } });
    const record = makeCall(pair.client.calls, "subscription", "ticks");
    for (let round = 0; round < 2; round++) {
      await pair.settled();
      clock.advance(10);
    }
    await pair.settled();
    pair.client.calls.cancel(record);
    await pair.settled();
    clock.advance(10);
    await pair.settled();
    expect(record.events).toEqual([["started"], ["item", 0], ["item", 1], ["item", 2]]);
    expect([cleaned, pair.server.incoming?.subscriptions, clock.timers]).toEqual([1, 0, 0]);
  });

  test("pause a source while what it gives is stuck on its way", async () => {
    const clock = new FakeClock();
    let given = 0;
    async function* blocks() {
      for (; given < 100; given++) yield "x".repeat(2_000);
    }
    const onCall = (call: IncomingCall): void =>
      new Pump({
        target: call,
        source: blocks(),
        clock,
        onItem: (item) => call.sendItem(item),
        onError: () => {},
      }).start();
    const pair = createPair({ server: { onCall }, link: { highWaterLength: 10_000 } });
    const flow = pair.link.server.stall();
    const record = makeCall(pair.client.calls, "subscription", "blocks");
    record.take = (length) => pair.client.calls.take(record, record.id, length);
    await pair.settled();
    expect(given).toBe(4);
    expect(record.events).toEqual([]);
    flow();
    for (let turn = 0; turn < 3; turn++) {
      await pair.settled();
      clock.advance(0);
    }
    await pair.settled();
    expect(record.events).toHaveLength(102);
    expect(record.events.at(-1)).toEqual(["end"]);
  });
});

describe("a peer whose other end breaks the protocol", () => {
  test.each([
    ["a call with an id that is in use", '[[10,2,"q",{}]]'],
    ["a call with a smaller id", '[[10,1,"q",{}]]'],
    ["an answer to a call that was never made", "[[20,1]]"],
    ["an end of a subscription that was never made", "[[25,7]]"],
    ["a message of the connection's own", "[[1,{}]]"],
    ["an unknown type", "[[40,1]]"],
    ["no JSON", "[["],
  ])("closes with 4400: %s", async (_name, frame) => {
    const aborted: unknown[] = [];
    const onCall = (call: IncomingCall): void => {
      call.onAborted = () => aborted.push(call.signal.reason);
    };
    const pair = createPair({ server: { onCall } });
    pair.client.sendFrame('[[10,2,"running",{}]]');
    await pair.settled();
    pair.client.sendFrame(frame);
    await pair.settled();
    expect(pair.server.closed).toMatchObject({ code: 4400 });
    expect(pair.server.errors).toMatchObject([{ code: "BAD_MESSAGE" }]);
    expect(aborted).toMatchObject([{ code: "CONNECTION_CLOSED" }]);
    expect(pair.server.incoming?.calls).toBe(0);
  });

  test("lets cancels of unknown calls pass", async () => {
    const pair = createPair({ server: { onCall: (call) => call.sendResult(1) } });
    pair.client.sendFrame("[[13,1],[13,99],[13,1]]");
    const record = makeCall(pair.client.calls, "query", "q");
    await pair.settled();
    expect(record.events).toEqual([["result", 1]]);
  });
});

describe("a peer that outlives its pipe", () => {
  test("aborts the calls that came through it; those that are sent again have newer ids", async () => {
    const calls: IncomingCall[] = [];
    const pair = createPair({ server: { onCall: (call) => calls.push(call) } });
    const query = makeCall(pair.client.calls, "query");
    const mutation = makeCall(pair.client.calls, "mutation");
    await pair.settled();
    pair.link.cut();
    await pair.settled();
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(mutation.events).toMatchObject([["failed", { code: "OUTCOME_UNKNOWN" }]]);
    pair.connect();
    await pair.settled();
    expect(calls.map(({ id, path }) => [id, path])).toEqual([
      [1, "q"],
      [2, "m"],
      [3, "q"],
    ]);
    calls[0]?.sendResult("from the lost one");
    calls[2]?.sendResult("r");
    await pair.settled();
    expect(query.events).toEqual([["result", "r"]]);
  });

  test("continues a subscription after the last event that arrived", async () => {
    const clock = new FakeClock();
    const onCall = (call: IncomingCall): void => {
      const from = Number(call.fields.lastEventId ?? 0);
      async function* source() {
        yield from + 1;
        yield from + 2;
        await new Promise(() => {});
      }
      const onItem = (item: unknown): number => call.sendTrackedItem(String(item), `item ${String(item)}`, true);
      new Pump({ target: call, source: source(), clock, onItem, onError: () => {} }).start();
    };
    const pair = createPair({ server: { onCall } });
    const record = makeCall(pair.client.calls, "subscription", "s");
    await pair.settled();
    pair.link.cut();
    pair.connect();
    await pair.settled();
    expect(record.events.filter(([type]) => type === "item")).toEqual(
      ["1", "2", "3", "4"].map((eventId) => ["item", `item ${eventId}`, eventId]),
    );
    expect(pair.client.messages).toEqual([
      [12, 1, "s", {}],
      [12, 2, "s", { lastEventId: "2" }],
    ]);
  });

  test("ends everything in both directions when it is closed", async () => {
    const calls: IncomingCall[] = [];
    const onCall = (call: IncomingCall): void => {
      calls.push(call);
    };
    const pair = createPair({ server: { onCall }, client: { onCall } });
    const record = makeCall(pair.client.calls, "query", "q");
    makeCall(pair.server.calls, "query", "q");
    await pair.settled();
    pair.client.peer.close(lost);
    expect(record.events).toEqual([["failed", lost]]);
    expect(calls[0]?.signal.aborted).not.toBe(calls[1]?.signal.aborted);
    expect(pair.client.calls.size).toBe(0);
    expect(pair.client.incoming?.calls).toBe(0);
  });
});
