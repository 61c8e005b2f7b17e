import { describe, expect, test } from "vitest";
import { ClientSetup, type Sent } from "../testing/client-setup.ts";

describe("hello", () => {
  test("opens a session by a token of the client's own, and asks for it until the server has given another", async () => {
    const setup = new ClientSetup();
    setup.save("a");
    const first = await setup.line();
    const { token, client } = first.hello;
    expect(first.hello).toEqual({ client, token, attempt: 1 });
    expect(token).toMatch(/^.{32}$/);
    const [, id] = first.came.at(-1) ?? [];
    expect(first.came.slice(1)).toEqual([[11, id, "save", {}, "a"]]);
    first.cut();
    const second = await setup.line();
    expect(second.came).toEqual([[0, 1, { client, token, attempt: 2, received: 0 }]]);
    await setup.welcome({ received: 1, token: "from the server", windowMs: 60_000 });
    expect(second.came.slice(1)).toEqual([[5, 0]]);
    second.say([20, id, "saved"]);
    await setup.network.advance(2);
    second.cut();
    const third = await setup.line();
    expect(third.hello).toEqual({ client, token: "from the server", attempt: 3, received: 1 });
    expect(setup.outcomes).toEqual([["a", "saved"]]);
  });

  test("acknowledges the welcome, and nothing before it", async () => {
    const setup = new ClientSetup();
    for (let count = 0; count < 40; count++) setup.save(`${count}`);
    const line = await setup.line();
    line.say(
      ...Array.from(
        { length: 40 },
        (_, index): Sent => [21, index + 1, { message: "too many", code: -32029, data: {} }],
      ),
    );
    await setup.network.advance(2);
    expect(line.came.filter(([type]) => type === 5)).toEqual([]);
    await setup.welcome({ token: "t", windowMs: 60_000 });
    expect(line.came.filter(([type]) => type === 5)).toEqual([[5, 40]]);
  });

  test("is the same client's for every session, and a token is never used twice", async () => {
    const setup = new ClientSetup();
    const clients = new Set<unknown>();
    const tokens = new Set<unknown>();
    for (let round = 0; round < 4; round++) {
      setup.client.connection.connect();
      const { hello } = await setup.line();
      clients.add(hello["client"]);
      tokens.add(hello["token"]);
      await setup.welcome({});
      setup.last.cut();
    }
    expect([clients.size, tokens.size]).toEqual([1, 4]);
  });
});

test.each<{ message: Sent }>([
  { message: [1, { token: "t2" }] },
  { message: [2, { message: "refused", code: -32001, data: { code: "UNAUTHORIZED" } }] },
])("a server that has welcomed says neither that nor its opposite again: $message", async ({ message }) => {
  const setup = new ClientSetup();
  setup.client.connection.connect();
  const line = await setup.line();
  await setup.welcome({ token: "t1" });
  line.say(message);
  await setup.network.advance(5);
  expect(line.closed).toBe(4400);
  expect(setup.client.connection.state).toMatchObject({ status: "closed", reason: { code: "BAD_MESSAGE" } });
});

describe("a session that could not be resumed", () => {
  test("is told to who waits for a mutation, and the connection carries a new one", async () => {
    const setup = new ClientSetup();
    setup.save("a");
    await setup.line();
    await setup.welcome({ token: "t1", windowMs: 60_000 });
    setup.last.cut();
    const line = await setup.line();
    setup.save("b");
    await setup.welcome({ token: "t2", windowMs: 60_000 });
    expect(setup.outcomes).toEqual([["a", "OUTCOME_UNKNOWN"]]);
    expect(line.came.slice(1)).toEqual([
      [11, expect.any(Number), "save", {}, "b"],
      [5, 0],
    ]);
  });

  test("by this end, which has let go what the server lacks, is ended there with 1000", async () => {
    const setup = new ClientSetup({ replayBytes: 200 });
    setup.save("a".repeat(150));
    setup.save("b".repeat(150));
    const first = await setup.line();
    await setup.welcome({ token: "t1", windowMs: 60_000 });
    first.cut();
    const second = await setup.line();
    await setup.welcome({ received: 0, token: "t2", windowMs: 60_000 });
    const third = await setup.line();
    expect(second.closed).toBe(1000);
    expect(third.hello).not.toHaveProperty("received");
    expect(setup.outcomes.map((outcome) => (outcome as string[])[1])).toEqual(["OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN"]);
  });

  test("is one for which nobody was asked within the window, each time anew", async () => {
    const setup = new ClientSetup();
    for (const name of ["a", "b"]) {
      setup.save(name);
      if (name === "a") await setup.line();
      await setup.welcome({ token: name, windowMs: 1_000 });
      expect(setup.client.connection.state.status).toBe("online");
      setup.network.reachable = false;
      setup.last.cut();
      await setup.network.advance(900);
      expect(setup.outcomes).not.toContainEqual([name, "OUTCOME_UNKNOWN"]);
      await setup.network.advance(200);
      expect(setup.outcomes).toContainEqual([name, "OUTCOME_UNKNOWN"]);
      setup.network.reachable = true;
      const { hello } = await setup.line();
      expect(hello).not.toHaveProperty("received");
    }
  });

  test("is not asked for any longer when its window ends while it is being asked for", async () => {
    const setup = new ClientSetup();
    setup.save("a");
    await setup.line();
    await setup.welcome({ token: "t1", windowMs: 100 });
    setup.last.cut();
    const asked = await setup.line();
    await setup.network.advance(150);
    expect(setup.outcomes).toEqual([["a", "OUTCOME_UNKNOWN"]]);
    // The server's answer comes too late: the new session is not mistaken for the old one.
    asked.say([1, { received: 0, token: "t2", windowMs: 100 }], [20, 1, "late"]);
    await setup.network.advance(50);
    expect(asked.closed).toBe(1000);
    expect(setup.last).not.toBe(asked);
    expect(setup.last.hello).not.toHaveProperty("received");
    setup.save("b");
    await setup.welcome({ token: "t3", windowMs: 100 });
    expect(setup.last.came.filter(([type]) => type === 5)).toEqual([[5, 0]]);
  });

  test("has no end where the server keeps it without one", async () => {
    const setup = new ClientSetup({ backoff: { baseMs: 10_000, maxMs: 10_000 } });
    setup.save("a");
    await setup.line();
    await setup.welcome({ token: "t1" });
    setup.network.reachable = false;
    setup.last.cut();
    await setup.network.advance(1_000_000);
    expect(setup.outcomes).toEqual([]);
    setup.network.reachable = true;
    await setup.network.advance(10_010);
    expect(setup.last.hello).toMatchObject({ token: "t1", received: 0 });
  });
});

describe("closing", () => {
  test("after a goaway, and after the server has gone, opens nothing any more", async () => {
    const setup = new ClientSetup({ random: () => 0.9 });
    setup.client.connection.connect();
    await setup.line();
    await setup.welcome({ token: "t1", windowMs: 60_000 });
    setup.last.say([6, 1_000]);
    await setup.network.advance(5);
    setup.last.close(1001);
    await setup.network.advance(2);
    setup.client.connection.close();
    const { length } = setup.lines;
    await setup.network.advance(100_000);
    expect([setup.lines.length, setup.client.connection.state.status]).toEqual([length, "closed"]);
    expect(setup.network.clock.timers).toBe(0);
  });

  test("says 1000, so that the server keeps nothing", async () => {
    const setup = new ClientSetup();
    setup.client.connection.connect();
    const line = await setup.line();
    await setup.welcome({ token: "t1", windowMs: 60_000 });
    setup.client.connection.close();
    await setup.network.advance(5);
    expect([line.closed, setup.network.clock.timers]).toEqual([1000, 0]);
  });
});

describe("credentials over the limit of a frame", () => {
  const params = { token: "x".repeat(1024 * 1024) };

  test("are rejected, and the connection goes on with those that it has", async () => {
    const setup = new ClientSetup();
    setup.client.connection.connect();
    const line = await setup.line();
    await setup.welcome({ token: "t", windowMs: 60_000 });
    await expect(setup.client.connection.authenticate(params)).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    const taken = setup.client.connection.authenticate({ token: "new" });
    await setup.network.advance(2);
    expect(line.came.at(-1)).toEqual([7, { token: "new" }]);
    line.say([8]);
    await setup.network.advance(2);
    await expect(taken).resolves.toBeUndefined();
    expect([line.closed, setup.client.connection.state.status]).toEqual([undefined, "online"]);
  });

  test("are never sent to a server, and fail what waits for the connection", async () => {
    const setup = new ClientSetup({ connectionParams: params });
    setup.save("a");
    await setup.network.advance(100_000);
    expect([setup.lines, setup.outcomes]).toEqual([[], [["a", "PAYLOAD_TOO_LARGE"]]]);
    expect(setup.client.connection.state).toMatchObject({ status: "closed", reason: { code: "PAYLOAD_TOO_LARGE" } });
  });
});

describe("a server that refuses", () => {
  test("cannot welcome after that: the connection is closed, for the reason that it gave", async () => {
    const setup = new ClientSetup();
    setup.save("x");
    await setup.line();
    setup.last.say([2, { message: "no", data: { code: "UNAUTHORIZED" } }], [1, { token: "t", windowMs: 60_000 }]);
    await setup.network.advance(2);
    expect([setup.last.closed, setup.client.connection.state]).toMatchObject([
      4400,
      { status: "closed", reason: { code: "UNAUTHORIZED" } },
    ]);
  });

  test("and does not close is given up with what it said", async () => {
    const setup = new ClientSetup({ connectTimeoutMs: 100 });
    setup.client.connection.connect();
    await setup.line();
    setup.last.say([2, { message: "not now", data: { code: "SERVICE_UNAVAILABLE" } }]);
    await setup.network.advance(90);
    expect(setup.client.connection.state.status).toBe("connecting");
    await setup.network.advance(10);
    expect(setup.client.connection.state).toMatchObject({
      status: "reconnecting",
      reason: { code: "SERVICE_UNAVAILABLE" },
    });
  });
});
