import { describe, expect, test } from "vitest";
import { AcceptorSetup, type Context } from "../testing/acceptor-setup.ts";
import { type MemoryClient, settled } from "../testing/memory-client.ts";

describe("a heartbeat of the server", () => {
  test("begins with the welcome: until then the time for hello and context counts alone", async () => {
    const setup = new AcceptorSetup({
      helloTimeoutMs: Number.POSITIVE_INFINITY,
      createContext: ({ info }): Context | Promise<Context> =>
        info.connectionParams === null ? { user: undefined } : new Promise(() => {}),
    });
    const [silent, opening] = [setup.connect(), setup.connect()];
    await opening.send([0, 1, { params: { user: "slow" } }]);
    setup.clock.advance(1_000_000);
    await settled();
    expect([silent.messages, opening.messages, setup.acceptor.connections]).toEqual([[], [], 2]);
    await silent.send([0, 1, {}]);
    setup.clock.advance(25_000);
    await settled();
    expect(silent.messages.map(([type]) => type)).toEqual([1, 3]);
  });

  test("asks a silent client, hears its answer, and asks again", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    for (let round = 1; round <= 3; round++) {
      setup.clock.advance(25_000);
      await settled();
      expect(client.of(3)).toHaveLength(round);
      await client.send([4, 0]);
    }
    setup.clock.advance(24_000);
    expect(client.closed).toBeUndefined();
  });

  test("parks the session of a client that is gone without a word", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    await client.stall();
    setup.clock.advance(33_000);
    await settled();
    expect([setup.acceptor.connections, setup.acceptor.parkedSessions, setup.signals[0]?.aborted]).toEqual([
      0,
      1,
      false,
    ]);
    expect((await setup.resume(client.welcome?.token, 0)).welcome?.received).toBe(1);
  });

  test("is answered: a ping of the client has a pong, with what has come", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([10, 1, "who", {}], [3, 0]);
    expect([client.of(20), client.of(4)]).toEqual([[[20, 1, "nobody"]], [[4, 1]]]);
  });
});

describe("a client that takes nothing", () => {
  /** The client says something every second, as one does that only does not read. */
  async function pass(setup: AcceptorSetup, client: MemoryClient, seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await client.send([64]);
      setup.clock.advance(1_000);
      await settled();
    }
  }

  test("of what waits in its socket is cut after 30 s; its session is parked, and its calls run on", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    await client.stallDown();
    await client.send([10, 2, "who", {}]);
    await pass(setup, client, 29);
    expect(setup.acceptor.connections).toBe(1);
    await pass(setup, client, 5);
    expect([setup.acceptor.connections, setup.acceptor.parkedSessions]).toEqual([0, 1]);
    await setup.answer();
    const again = await setup.resume(client.welcome?.token, 0);
    expect(again.of(20)).toEqual([
      [20, 2, "nobody"],
      [20, 1, "done"],
    ]);
  });

  test("but what lies between them is cut when producers wait for its word for so long", async () => {
    const setup = new AcceptorSetup({ replayBytes: 2_000 });
    const client = await setup.open();
    await client.send([12, 1, "count", {}]);
    for (let turn = 0; turn < 200; turn++) await settled();
    // The socket has nothing left to give; the client has not answered the ping.
    expect(client.of(3)).toHaveLength(1);
    await pass(setup, client, 29);
    expect(setup.acceptor.connections).toBe(1);
    await pass(setup, client, 5);
    expect(setup.types).toEqual(["opened", "parked"]);
  });

  test("is let be while it takes something now and then, or has nothing to take", async () => {
    const setup = new AcceptorSetup({ replayBytes: 2_000 });
    const [idle, slow] = [await setup.open(), await setup.open()];
    await slow.send([12, 1, "count", {}]);
    for (let round = 0; round < 5; round++) {
      await pass(setup, slow, 25);
      await slow.send([4, slow.messages.filter(([type]) => type >= 10).length]);
      await idle.send([3, 0]);
    }
    expect([idle.closed, slow.closed, setup.acceptor.connections]).toEqual([undefined, undefined, 2]);
  });

  test("is kept where drainTimeoutMs is off", async () => {
    const setup = new AcceptorSetup({ drainTimeoutMs: Number.POSITIVE_INFINITY });
    const client = await setup.open();
    await client.stallDown();
    await client.send([10, 1, "who", {}]);
    await pass(setup, client, 300);
    expect(setup.acceptor.connections).toBe(1);
  });
});
