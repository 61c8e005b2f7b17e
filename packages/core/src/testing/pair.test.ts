import { describe, expect, test } from "vitest";
import { createPair } from "./pair.ts";
import { makeCall } from "./recorded-calls.ts";

describe("createPair", () => {
  test("joins two peers that call each other, and records what each of them sent", async () => {
    const pair = createPair({
      server: { onCall: (call) => call.sendResult("hello") },
      client: { onCall: (call) => call.sendResult(call.input) },
    });
    const greeting = makeCall(pair.client.calls, "query", "greet");
    const echo = makeCall(pair.server.calls, "mutation", "echo", 5);
    await pair.settled();
    expect(pair.client.frames).toEqual(['[[10,1,"greet",{}]]', "[[20,1,5]]"]);
    expect(pair.server.messages).toEqual([
      [11, 1, "echo", {}, 5],
      [20, 1, "hello"],
    ]);
    expect([greeting.events, echo.events]).toEqual([[["result", "hello"]], [["result", 5]]]);
  });

  test("takes a call for a broken protocol where nothing is served", async () => {
    const pair = createPair();
    makeCall(pair.client.calls, "query", "greet");
    await pair.settled();
    expect(pair.server.incoming).toBeUndefined();
    expect(pair.server.errors).toMatchObject([{ code: "BAD_MESSAGE" }]);
  });

  test("tells both ends how the link was closed, and why", async () => {
    const pair = createPair();
    pair.client.sendFrame("no JSON");
    await pair.settled();
    expect(pair.server.errors).toMatchObject([{ code: "BAD_MESSAGE" }]);
    expect(pair.server.closed).toMatchObject({ code: 4400 });
    expect(pair.client.closed).toEqual(pair.server.closed);
    expect(pair.client.errors).toEqual([]);
  });

  test("joins them again after a cut; the record goes on", async () => {
    const pair = createPair({ server: { onCall: () => {} } });
    makeCall(pair.client.calls, "query", "slow");
    await pair.settled();
    pair.link.cut();
    await pair.settled();
    expect(pair.client.closed).toEqual({ code: 1006, reason: "" });
    expect(pair.server.incoming?.calls).toBe(0);
    pair.connect();
    await pair.settled();
    expect(pair.client.closed).toBeUndefined();
    expect(pair.server.incoming?.calls).toBe(1);
    expect(pair.client.messages).toEqual([
      [10, 1, "slow", {}],
      [10, 2, "slow", {}],
    ]);
  });
});
