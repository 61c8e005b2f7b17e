import { TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { AcceptorSetup, type Context } from "../testing/acceptor-setup.ts";
import { settled } from "../testing/memory-client.ts";

const anyText: unknown = expect.any(String);

describe("a resume", () => {
  test("goes on with the session: its calls run on, are answered once, and start once", async () => {
    const setup = new AcceptorSetup();
    const first = await setup.open();
    await first.send([11, 1, "wait", {}, "a"]);
    await first.cut();
    expect([setup.acceptor.connections, setup.acceptor.parkedSessions, setup.signals[0]?.aborted]).toEqual([
      0,
      1,
      false,
    ]);
    await setup.answer();
    const second = await setup.resume(first.welcome?.token, 0);
    expect(second.messages).toEqual([
      [1, { received: 1, token: anyText, windowMs: 60_000 }],
      [20, 1, "done"],
    ]);
    expect(setup.started).toEqual(["a"]);
    await second.send([5, 1], [10, 2, "who", {}]);
    expect(second.of(20).at(-1)).toEqual([20, 2, "nobody"]);
  });

  test("sends what the client lacks, and nothing that it has", async () => {
    const setup = new AcceptorSetup();
    const first = await setup.open();
    await first.send([10, 1, "who", {}], [10, 2, "who", {}], [10, 3, "who", {}]);
    await first.cut();
    const second = await setup.resume(first.welcome?.token, 2);
    expect(second.of(20)).toEqual([[20, 3, "nobody"]]);
  });

  test("gives a new token each time; the one before it is good until the client has acknowledged", async () => {
    const setup = new AcceptorSetup();
    const first = await setup.open();
    const token = first.welcome?.token;
    await first.cut();
    const second = await setup.resume(token, 0);
    await second.cut();
    const third = await setup.resume(token, 0);
    expect(third.welcome?.received).toBe(0);
    await third.send([5, 0]);
    await third.cut();
    expect((await setup.resume(token, 0)).welcome).not.toHaveProperty("received");
    expect((await setup.resume(second.welcome?.token, 0)).welcome).not.toHaveProperty("received");
    expect((await setup.resume(third.welcome?.token, 0)).welcome?.received).toBe(0);
    const tokens = new Set([token, second.welcome?.token, third.welcome?.token]);
    expect(tokens.size).toBe(3);
  });

  test("of a session whose welcome was lost goes by the token that the client chose", async () => {
    const setup = new AcceptorSetup();
    const first = setup.connect();
    await first.send([0, 1, { token: "mine" }], [11, 1, "wait", {}, "a"]);
    // Calls may follow hello before the welcome has come: they say nothing about it.
    await first.send([11, 2, "wait", {}, "b"]);
    await first.cut();
    const second = await setup.resume("mine", 0);
    expect(second.welcome).toMatchObject({ received: 2 });
    await second.send([5, 0]);
    await second.cut();
    expect((await setup.resume("mine", 0)).welcome).not.toHaveProperty("received");
    expect(setup.started).toEqual(["a", "b"]);
  });

  test("takes the connection's own context for the calls to come", async () => {
    const setup = new AcceptorSetup({ identify: () => "all the same" });
    const first = await setup.open({ params: { user: "ada" } });
    await first.send([10, 1, "who", {}]);
    await first.cut();
    const second = await setup.resume(first.welcome?.token, 1, { user: "bob" });
    await second.send([5, 1], [10, 2, "who", {}]);
    expect(second.of(20)).toEqual([[20, 2, "bob"]]);
  });

  test("answers nothing that comes before the welcome, but closes with 4400", async () => {
    for (const message of [
      [10, 5, "who", {}],
      [5, 0],
      [3, 0],
    ]) {
      const setup = new AcceptorSetup();
      const first = await setup.open();
      await first.cut();
      const second = setup.connect();
      await second.send([0, 1, { token: first.welcome?.token, received: 0 }], message);
      expect(second.closed?.code).toBe(4400);
      expect(setup.acceptor.parkedSessions).toBe(1);
      expect((await setup.resume(first.welcome?.token, 0)).welcome?.received).toBe(0);
    }
  });
});

describe("a resume that is refused", () => {
  test("has one answer, whether the token is unknown, tampered with, another's, used up or expired: a new session", async () => {
    const setup = new AcceptorSetup();
    const ada = await setup.open({ params: { user: "ada" } });
    const token = ada.welcome?.token ?? "";
    await ada.cut();
    const expired = await setup.open({ params: { user: "bob" } });
    await expired.cut();
    const answers: unknown[] = [];
    const ask = async (shown: string, user: string): Promise<void> => {
      const client = await setup.resume(shown, 0, { user });
      answers.push(client.messages);
      await client.close(1000);
    };
    await ask("unknown", "bob");
    await ask("", "bob");
    await ask(`${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`, "ada");
    await ask(token, "bob");
    await ask("__proto__", "bob");
    setup.clock.advance(60_000);
    await ask(expired.welcome?.token ?? "", "bob");
    await ask(token, "ada");
    const answer = [[1, { token: anyText, windowMs: 60_000 }]];
    expect(answers).toEqual(answers.map(() => answer));
    expect(answers).toHaveLength(7);
  });

  test("leaves the session alone that the token is for", async () => {
    const setup = new AcceptorSetup();
    const ada = await setup.open({ params: { user: "ada" } });
    await ada.send([11, 1, "wait", {}, "a"]);
    await ada.cut();
    const bob = await setup.resume(ada.welcome?.token, 0, { user: "bob" });
    await bob.send([5, 0], [10, 1, "who", {}]);
    expect(bob.of(20)).toEqual([[20, 1, "bob"]]);
    expect([setup.acceptor.parkedSessions, setup.signals[0]?.aborted]).toEqual([1, false]);
    await setup.answer();
    const again = await setup.resume(ada.welcome?.token, 0, { user: "ada" });
    expect(again.of(20)).toEqual([[20, 1, "done"]]);
  });

  test("by createContext leaves the session where it was", async () => {
    const setup = new AcceptorSetup({
      createContext: ({ info }): Context => {
        if (info.connectionParams?.["user"] === "expired") throw new TRPCError({ code: "UNAUTHORIZED" });
        return { user: "ada" };
      },
    });
    const first = await setup.open();
    await first.send([11, 1, "wait", {}, "a"]);
    await first.cut();
    const refused = await setup.resume(first.welcome?.token, 0, { user: "expired" });
    expect(refused.messages).toMatchObject([[2, { data: { code: "UNAUTHORIZED" } }]]);
    expect(refused.closed?.code).toBe(4401);
    expect([setup.acceptor.parkedSessions, setup.signals[0]?.aborted]).toEqual([1, false]);
    expect((await setup.resume(first.welcome?.token, 0)).welcome?.received).toBe(1);
  });

  test("where the client lacks what is no longer kept: the session is lost, and says why", async () => {
    const setup = new AcceptorSetup({ replayBytes: 15_000 });
    const first = await setup.open({ params: { user: "ada" } });
    await first.send([10, 1, "big", {}], [10, 2, "big", {}], [11, 3, "wait", {}, "a"]);
    await first.cut();
    const second = await setup.resume(first.welcome?.token, 0, { user: "ada" });
    expect(second.welcome).not.toHaveProperty("received");
    expect(second.of(20)).toEqual([]);
    expect(setup.signals[0]?.reason).toMatchObject({ code: "SESSION_LOST" });
    expect(setup.events.at(-2)).toMatchObject({ type: "lost", identity: "ada", reason: { code: "SESSION_LOST" } });
  });

  test("where the client claims to have what was never sent", async () => {
    const setup = new AcceptorSetup();
    const first = await setup.open();
    await first.cut();
    expect((await setup.resume(first.welcome?.token, 1)).welcome).not.toHaveProperty("received");
  });

  test("gives no token that the client showed to its new session", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.resume("stolen or made up", 0);
    await client.send([5, 0]);
    await client.cut();
    expect((await setup.resume("stolen or made up", 0)).welcome).not.toHaveProperty("received");
  });

  test("cannot be forced by a new session that chooses a token in use", async () => {
    const setup = new AcceptorSetup();
    const ada = await setup.open({ params: { user: "ada" } });
    const token = ada.welcome?.token;
    const thief = await setup.open({ params: { user: "eve" }, token });
    await thief.cut();
    await ada.cut();
    const again = await setup.resume(token, 0, { user: "ada" });
    expect(again.welcome?.received).toBe(0);
    await again.send([5, 0], [10, 1, "who", {}]);
    expect(again.of(20)).toEqual([[20, 1, "ada"]]);
  });
});

describe("a takeover", () => {
  test("closes the older connection with 4409, and loses and doubles nothing", async () => {
    const setup = new AcceptorSetup();
    const old = await setup.open();
    await old.send([11, 1, "wait", {}, "a"]);
    const next = await setup.resume(old.welcome?.token, 0);
    expect(old.closed).toEqual({ code: 4409, reason: "superseded" });
    await setup.answer();
    expect([old.of(20), next.of(20)]).toEqual([[], [[20, 1, "done"]]]);
    expect([setup.acceptor.connections, setup.acceptor.parkedSessions]).toEqual([1, 0]);
    expect(setup.types).toEqual(["opened", "resumed"]);
  });

  test("of a session that cannot go on closes the older connection too", async () => {
    const setup = new AcceptorSetup();
    const first = await setup.open();
    await first.send([10, 1, "who", {}]);
    await first.send([5, 1]);
    const second = await setup.resume(first.welcome?.token, 0);
    expect(second.welcome).toEqual({ token: anyText, windowMs: 60_000 });
    expect([first.closed?.code, setup.acceptor.connections]).toEqual([4409, 1]);
  });

  test("by a hello that is older, and was long on its way, is none", async () => {
    const setup = new AcceptorSetup();
    const first = await setup.open({ attempt: 1 });
    const token = first.welcome?.token;
    await first.send([10, 1, "who", {}]);
    await first.cut();
    const third = setup.connect();
    await third.send([0, 1, { token, received: 1, attempt: 3 }]);
    const second = setup.connect();
    await second.send([0, 1, { token, received: 0, attempt: 2 }]);
    expect([second.of(1), second.closed?.code, third.closed]).toEqual([[], 4409, undefined]);
    await third.send([5, 1], [10, 2, "who", {}]);
    expect(third.of(20)).toEqual([[20, 2, "nobody"]]);
    await third.cut();
    expect((await setup.resume(third.welcome?.token, 2)).welcome?.received).toBe(2);
    expect(setup.types).toEqual(["opened", "parked", "resumed", "parked", "resumed"]);
  });

  test("by a context that took longer than a newer connection's is none", async () => {
    const slow: (() => void)[] = [];
    const setup = new AcceptorSetup({
      createContext: async ({ info }): Promise<Context> => {
        if (info.connectionParams?.["user"] === "slow") await new Promise<void>((resolve) => slow.push(resolve));
        return { user: "ada" };
      },
    });
    const first = await setup.open({ attempt: 1 });
    const token = first.welcome?.token;
    await first.cut();
    const second = setup.connect();
    await second.send([0, 1, { params: { user: "slow" }, token, received: 0, attempt: 2 }]);
    const third = setup.connect();
    await third.send([0, 1, { token, received: 0, attempt: 3 }]);
    for (const resolve of slow) resolve();
    await settled();
    expect([second.of(1), second.closed?.code]).toEqual([[], 4409]);
    expect([third.welcome?.received, third.closed]).toEqual([0, undefined]);
  });
});

describe("a context that comes after its connection was closed", () => {
  test("opens no session, and takes none over", async () => {
    let create: () => void = () => {};
    const setup = new AcceptorSetup({
      createContext: ({ info }): Context | Promise<Context> => {
        if (info.connectionParams?.["user"] !== "slow") return { user: undefined };
        return new Promise((resolve) => {
          create = () => resolve({ user: undefined });
        });
      },
      helloTimeoutMs: 1_000,
    });
    const first = await setup.open();
    await first.send([11, 1, "wait", {}, "a"]);
    for (const hello of [{ token: first.welcome?.token, received: 0 }, { token: "mine" }]) {
      const late = setup.connect();
      await late.send([0, 1, { params: { user: "slow" }, ...hello }]);
      // The clock strikes, and the context is there before the socket is gone.
      create();
      setup.clock.advance(1_000);
      await settled();
      expect([late.of(1), late.closed?.code]).toEqual([[], 4408]);
    }
    expect([first.closed, setup.started, setup.types]).toEqual([undefined, ["a"], ["opened"]]);
    await setup.answer();
    expect(first.of(20)).toEqual([[20, 1, "done"]]);
  });
});
