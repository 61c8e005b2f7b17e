import { describe, expect, test } from "vitest";
import { AcceptorSetup } from "../testing/acceptor-setup.ts";
import { settled } from "../testing/memory-client.ts";

const anyText: unknown = expect.any(String);

describe("the end of a connection", () => {
  test.each([1000, 1001, 1002, 1007, 1009, 4400, 4501])(
    "with %d ends its session: nobody will come back",
    async (code) => {
      const setup = new AcceptorSetup();
      const client = await setup.open({ params: { user: "ada" } });
      await client.send([11, 1, "wait", {}, "a"]);
      await client.close(code);
      expect(setup.signals[0]?.reason).toMatchObject({ code: "CONNECTION_CLOSED" });
      expect([setup.acceptor.parkedSessions, setup.types]).toEqual([0, ["opened", "lost"]]);
      expect((await setup.resume(client.welcome?.token, 0, { user: "ada" })).welcome).not.toHaveProperty("received");
    },
  );

  test.each([1005, 1006, 4410])("with %d parks its session", async (code) => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    await client.close(code);
    expect([setup.acceptor.parkedSessions, setup.signals[0]?.aborted]).toEqual([1, false]);
    expect((await setup.resume(client.welcome?.token, 0)).welcome?.received).toBe(1);
  });

  test("that broke the protocol ends its session", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    await client.send([99, 1], [11, 1, "wait", {}, "b"]);
    expect(client.closed?.code).toBe(4400);
    expect(setup.signals[0]?.aborted).toBe(true);
    expect([setup.started, setup.acceptor.parkedSessions]).toEqual([["a"], 0]);
  });

  test("before the context stands leaves nothing behind", async () => {
    const setup = new AcceptorSetup({ createContext: () => new Promise<never>(() => {}) });
    const client = setup.connect();
    await client.send([0, 1, { token: "mine" }], [11, 1, "wait", {}, "a"]);
    await client.cut();
    expect([setup.acceptor.connections, setup.acceptor.parkedSessions, setup.types]).toEqual([0, 0, []]);
    setup.clock.advance(60_000);
    await setup.acceptor.close(0);
    expect([setup.started, setup.clock.timers]).toEqual([[], 0]);
  });

  test("ends its session at once where sessions are not kept, and no token is given", async () => {
    const setup = new AcceptorSetup({ sessionWindowMs: 0 });
    const client = await setup.open({ token: "mine" });
    await client.send([11, 1, "wait", {}, "a"]);
    expect(client.messages[0]).toEqual([1, {}]);
    await client.cut();
    expect(setup.signals[0]?.reason).toMatchObject({ code: "SESSION_LOST" });
    expect([setup.acceptor.parkedSessions, setup.types]).toEqual([0, ["opened", "lost"]]);
    expect((await setup.resume("mine", 0)).messages).toEqual([[1, {}]]);
  });
});

describe("the window", () => {
  test("ends a parked session, whose calls are aborted", async () => {
    const setup = new AcceptorSetup({ sessionWindowMs: 1_000 });
    const client = await setup.open({ params: { user: "ada" } });
    expect(client.welcome?.windowMs).toBe(1_000);
    await client.send([11, 1, "wait", {}, "a"]);
    await client.cut();
    setup.clock.advance(999);
    expect(setup.signals[0]?.aborted).toBe(false);
    setup.clock.advance(1);
    expect(setup.signals[0]?.reason).toMatchObject({ code: "SESSION_LOST" });
    expect(setup.events).toMatchObject([
      { type: "opened", identity: "ada" },
      { type: "parked", identity: "ada" },
      { type: "lost", identity: "ada", reason: { code: "SESSION_LOST" } },
    ]);
  });

  test("starts anew with each cut", async () => {
    const setup = new AcceptorSetup({ sessionWindowMs: 1_000 });
    let client = await setup.open();
    for (let round = 0; round < 3; round++) {
      await client.cut();
      setup.clock.advance(900);
      client = await setup.resume(client.welcome?.token, 0);
      expect(client.welcome?.received).toBe(0);
      await client.send([5, 0]);
    }
    setup.clock.advance(900);
    expect(setup.acceptor.connections).toBe(1);
  });

  test("may be without end, and is then not told; and a fraction of a ms is told as a whole one", async () => {
    const endless = await new AcceptorSetup({ sessionWindowMs: Number.POSITIVE_INFINITY }).open();
    expect(endless.messages[0]).toEqual([1, { token: anyText }]);
    const fraction = await new AcceptorSetup({ sessionWindowMs: 10.5 }).open();
    expect(fraction.welcome?.windowMs).toBe(11);
  });
});

describe("what is kept for clients that are away", () => {
  test("is capped by count, the oldest out first", async () => {
    const setup = new AcceptorSetup({ maxParkedSessions: 2 });
    const clients = [await setup.open(), await setup.open(), await setup.open()];
    for (const client of clients) await client.cut();
    expect(setup.acceptor.parkedSessions).toBe(2);
    const again = await Promise.all(clients.map((client) => setup.resume(client.welcome?.token, 0)));
    expect(again.map(({ welcome }) => welcome?.received)).toEqual([undefined, 0, 0]);
  });

  test("is capped by size, also when it grows while it is parked", async () => {
    const setup = new AcceptorSetup({ maxParkedBytes: 25_000 });
    const [first, second] = [await setup.open(), await setup.open()];
    await first.send([10, 1, "big", {}], [11, 2, "wait", {}, "a"]);
    await first.cut();
    await second.send([10, 1, "big", {}]);
    await second.cut();
    expect([setup.acceptor.parkedSessions, setup.acceptor.parkedLength > 20_000]).toEqual([2, true]);
    await setup.answer("x".repeat(6_000));
    expect([setup.acceptor.parkedSessions, setup.acceptor.parkedLength < 11_000]).toEqual([1, true]);
    expect((await setup.resume(second.welcome?.token, 0)).of(20)).toHaveLength(1);
    expect(setup.acceptor.parkedLength).toBe(0);
  });

  test("leaves a producer waiting that has filled half of it", async () => {
    const setup = new AcceptorSetup({ replayBytes: 2_000 });
    const client = await setup.open();
    await client.send([12, 1, "count", {}]);
    await client.cut();
    await settled();
    const { parkedLength } = setup.acceptor;
    for (let turn = 0; turn < 100; turn++) await settled();
    expect(setup.acceptor.parkedLength).toBeLessThan(1_100);
    expect(setup.acceptor.parkedLength).toBeGreaterThanOrEqual(parkedLength);
    const had = client.messages.filter(([type]) => type >= 10).length;
    const again = await setup.resume(client.welcome?.token, had);
    await again.send([5, had]);
    const items = [...client.of(23), ...again.of(23)].map(([, , count]) => count);
    expect(items).toEqual(items.map((_item, index) => index));
  });

  test("by 1,000 clients that never come back is gone after the window, with every timer", async () => {
    const setup = new AcceptorSetup({ maxParkedSessions: 100 });
    for (let count = 0; count < 1_000; count++) {
      const client = setup.connect();
      void client.send([0, 1, {}]);
      await new Promise((resolve) => setImmediate(resolve));
      void client.cut();
    }
    await settled();
    expect(setup.acceptor.parkedSessions).toBe(100);
    setup.clock.advance(60_000);
    expect([setup.acceptor.parkedSessions, setup.acceptor.parkedLength, setup.acceptor.connections]).toEqual([0, 0, 0]);
    await setup.acceptor.close(0);
    expect(setup.clock.timers).toBe(0);
  });
});
