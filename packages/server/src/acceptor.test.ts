import { TautlineError } from "@tautline/core";
import { TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { AcceptorSetup, type Context } from "../testing/acceptor-setup.ts";
import { settled } from "../testing/memory-client.ts";

describe("onSession", () => {
  test("hears of sessions that opened, were parked, resumed and lost, and whose they are", async () => {
    const setup = new AcceptorSetup();
    const first = await setup.open({ params: { user: "ada" } });
    await first.cut();
    const second = await setup.resume(first.welcome?.token, 0, { user: "ada" });
    await second.close(1000);
    expect(setup.events.slice(0, -1)).toEqual([
      { type: "opened", identity: "ada" },
      { type: "parked", identity: "ada" },
      { type: "resumed", identity: "ada" },
    ]);
    expect(setup.events.at(-1)).toMatchObject({ type: "lost", identity: "ada" });
    expect(setup.events.at(-1)?.reason).toBeInstanceOf(TautlineError);
  });

  test("hears nothing of a connection that was refused", async () => {
    const setup = new AcceptorSetup({
      createContext: () => {
        throw new TRPCError({ code: "FORBIDDEN" });
      },
    });
    const client = setup.connect();
    await client.send([0, 1, {}]);
    expect([client.closed?.code, setup.events]).toEqual([4403, []]);
  });

  test("may disconnect the session that has just parked", async () => {
    const setup = new AcceptorSetup({
      onSession: ({ type, identity }) => {
        if (type === "parked" && identity !== undefined) setup.acceptor.disconnect(identity);
      },
    });
    const first = await setup.open({ params: { user: "ada" } });
    await first.cut();
    expect(setup.acceptor.parkedSessions).toBe(0);
    const second = await setup.resume(first.welcome?.token, 0, { user: "ada" });
    expect(second.welcome?.received).toBeUndefined();
  });

  test.each(["opened", "resumed"] as const)(
    "may disconnect the session that was just %s, and hears that it is lost",
    async (type) => {
      const setup = new AcceptorSetup({
        onSession: (event) => {
          setup.events.push(event);
          if (event.type === type && event.identity !== undefined) setup.acceptor.disconnect(event.identity);
        },
      });
      const first = setup.connect();
      await first.send([0, 1, { params: { user: "ada" } }], [11, 1, "wait", {}, "a"]);
      if (type === "resumed") await first.cut();
      const last = type === "opened" ? first : await setup.resume(first.welcome?.token, 0, { user: "ada" });
      expect(setup.types.slice(-2)).toEqual([type, "lost"]);
      expect(setup.events.at(-1)?.reason?.message).toBe("disconnected by the application");
      expect([last.closed?.code, setup.acceptor.parkedSessions]).toEqual([4411, 0]);
      expect(setup.started).toEqual(type === "opened" ? [] : ["a"]);
    },
  );

  test("may close the server when a session opens: what came with its hello is declined", async () => {
    const setup = new AcceptorSetup({
      onSession: ({ type }) => {
        if (type === "opened") void setup.acceptor.close(5_000);
      },
    });
    const client = setup.connect();
    await client.send([0, 1, {}], [11, 1, "wait", {}, "a"]);
    expect([client.messages.map(([type]) => type), setup.started]).toEqual([[1, 6, 3, 27], []]);
    await client.send([4, 1]);
    expect(client.closed?.code).toBe(1001);
  });

  test.each([
    [
      "throw",
      (): never => {
        throw new Error("from onSession");
      },
    ],
    ["reject", () => Promise.reject(new Error("from onSession"))],
  ])("may %s", async (_what, onSession: () => unknown) => {
    const setup = new AcceptorSetup({ onSession });
    const first = await setup.open();
    await first.cut();
    expect((await setup.resume(first.welcome?.token, 0)).welcome?.received).toBe(0);
  });
});

test("identify may close the server: no session begins", async () => {
  const setup = new AcceptorSetup({
    identify: () => {
      void setup.acceptor.close(5_000);
      return "ada";
    },
  });
  const client = setup.connect();
  await client.send([0, 1, {}]);
  expect([client.closed?.code, client.of(1), setup.types]).toEqual([1001, [], []]);
});

describe("close()", () => {
  test("tells busy clients to go, declines what is new, answers what runs, and closes with 1001", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    const closed = setup.acceptor.close(5_000);
    await settled();
    expect(client.of(6)).toEqual([[6, 2_500]]);
    await client.send([10, 2, "who", {}], [11, 3, "wait", {}, "b"], [12, 4, "count", {}]);
    expect(client.of(27)).toEqual([
      [27, 2],
      [27, 3],
      [27, 4],
    ]);
    await client.send([4, 3]);
    expect(client.closed).toBeUndefined();
    await setup.answer();
    expect(client.of(20)).toEqual([[20, 1, "done"]]);
    expect(client.closed?.code).toBe(1001);
    await closed;
    expect([setup.started, setup.acceptor.connections, setup.clock.timers]).toEqual([["a"], 0, 0]);
    expect(setup.types).toEqual(["opened", "lost"]);
  });

  test("counts what is declined as the other answers are: as a message of the session", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    void setup.acceptor.close(5_000);
    await client.send([10, 2, "who", {}]);
    await client.send([5, 1]);
    expect(client.closed).toBeUndefined();
    await client.send([5, 2]);
    expect(client.closed?.code).toBe(4400);
  });

  test("waits for subscriptions too, until drainMs is over", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([12, 1, "count", {}]);
    const closed = setup.acceptor.close(1_000);
    setup.clock.advance(999);
    await settled();
    expect(client.closed).toBeUndefined();
    setup.clock.advance(1);
    await closed;
    await settled();
    expect(client.closed?.code).toBe(1001);
  });

  test("closes what is idle when its client has heard that it goes, and declines what has crossed that", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    const closed = setup.acceptor.close(5_000);
    await settled();
    expect([client.of(6), client.of(3), client.closed]).toEqual([[[6, 2_500]], [[3, 0]], undefined]);
    await client.send([11, 1, "wait", {}, "a"]);
    expect([client.of(27), client.closed]).toEqual([[[27, 1]], undefined]);
    await client.send([4, 1]);
    await closed;
    await settled();
    expect([client.closed?.code, setup.started, setup.clock.timers]).toEqual([1001, [], 0]);
  });

  test("takes no answer to an earlier ping for one to its own, and waits no longer than drainMs for that", async () => {
    const setup = new AcceptorSetup({ heartbeatMs: 1_000 });
    const client = await setup.open();
    for (let beat = 0; beat < 3 && client.of(3).length === 0; beat++) {
      setup.clock.advance(1_000);
      await settled();
    }
    expect(client.of(3)).toHaveLength(1);
    const closed = setup.acceptor.close(5_000);
    await client.send([4, 0]);
    expect(client.closed).toBeUndefined();
    setup.clock.advance(5_000);
    await closed;
    await settled();
    expect(client.closed?.code).toBe(1001);
  });

  test("closes at once what has said nothing, or waits for its context", async () => {
    const setup = new AcceptorSetup({ createContext: (): Promise<Context> => new Promise(() => {}) });
    const [silent, opening] = [setup.connect(), setup.connect()];
    await opening.send([0, 1, { params: { user: "slow" } }]);
    await setup.acceptor.close(5_000);
    await settled();
    expect([silent, opening].map(({ closed }) => closed?.code)).toEqual([1001, 1001]);
    // They know that nothing was started.
    expect([silent, opening].map((client) => client.of(2))).toMatchObject(
      Array(2).fill([[2, { message: "the server is closing", data: { code: "SERVICE_UNAVAILABLE" } }]]),
    );
    expect(setup.clock.timers).toBe(0);
  });

  test("loses every session, parked ones too, and keeps none that is cut meanwhile", async () => {
    const setup = new AcceptorSetup();
    const [parked, cut] = [await setup.open(), await setup.open()];
    await parked.send([11, 1, "wait", {}, "a"]);
    await parked.cut();
    await cut.send([11, 1, "wait", {}, "b"]);
    const closed = setup.acceptor.close(5_000);
    await cut.cut();
    await closed;
    expect(setup.signals.map(({ reason }) => reason as unknown)).toMatchObject([
      { code: "SESSION_LOST" },
      { code: "SESSION_LOST" },
    ]);
    expect([setup.acceptor.parkedSessions, setup.acceptor.parkedLength, setup.clock.timers]).toEqual([0, 0, 0]);
    expect(setup.types.filter((type) => type === "lost")).toHaveLength(2);
  });

  test("loses no session twice whose connection is slow to close", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open({ params: { user: "ada" } });
    await client.stall();
    setup.acceptor.disconnect("ada");
    void setup.acceptor.close(1_000);
    setup.clock.advance(1_000);
    expect([setup.acceptor.connections, setup.types]).toEqual([1, ["opened", "lost"]]);
  });

  test("may be given all the time there is", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    const closed = setup.acceptor.close(Number.POSITIVE_INFINITY);
    await settled();
    expect(client.of(6)).toEqual([[6, 30_000]]);
    await client.send([4, 0]);
    await setup.answer();
    await closed;
  });
});
