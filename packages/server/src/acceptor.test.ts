import { TautlineError } from "@tautline/core";
import { FakeClock } from "@tautline/core/testing";
import { type AnyTRPCRouter, initTRPC, TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { createAcceptor, MemoryClient, settled } from "../testing/memory-client.ts";
import type { Acceptor } from "./acceptor.ts";
import type { ServeOptions, SessionEvent } from "./options.ts";

interface Context {
  readonly user: string | undefined;
}

const t = initTRPC.context<Context>().create();
const anyText: unknown = expect.any(String);

/** A server in memory whose handlers note what they do and wait to be let go. */
class Setup {
  readonly clock = new FakeClock();
  readonly acceptor: Acceptor;
  readonly events: SessionEvent[] = [];
  readonly started: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #waiting: ((value: string) => void)[] = [];

  constructor(options: Partial<ServeOptions<AnyTRPCRouter>> = {}) {
    const router = t.router({
      who: t.procedure.query(({ ctx }) => ctx.user ?? "nobody"),
      wait: t.procedure
        .input((input: unknown) => input)
        .mutation(({ input, signal }) => {
          this.started.push(String(input));
          if (signal !== undefined) this.signals.push(signal);
          return new Promise<string>((resolve) => this.#waiting.push(resolve));
        }),
      count: t.procedure.subscription(async function* () {
        for (let count = 0; ; count++) {
          yield count;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }),
      big: t.procedure.query(() => "x".repeat(10_000)),
    });
    this.acceptor = createAcceptor(
      {
        router,
        createContext: ({ info }): Context => ({ user: info.connectionParams?.["user"] }),
        identify: (ctx: unknown) => (ctx as Context).user,
        onSession: (event) => this.events.push(event),
        ...options,
      },
      this.clock,
    );
  }

  /** The handlers that wait answer. */
  async answer(value = "done"): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve(value);
    await settled();
  }

  connect(): MemoryClient {
    return new MemoryClient(this.acceptor);
  }

  /** A client that was welcomed, and has said so. */
  async open(fields: object = {}): Promise<MemoryClient> {
    const client = this.connect();
    await client.send([0, 1, fields]);
    await client.send([5, 0]);
    return client;
  }

  /** A client that asks to go on with a session. */
  async resume(token: string | undefined, received: number, params: object = {}): Promise<MemoryClient> {
    const client = this.connect();
    await client.send([0, 1, { params, token, received }]);
    return client;
  }

  get types(): readonly string[] {
    return this.events.map(({ type }) => type);
  }
}

describe("a resume", () => {
  test("goes on with the session: its calls run on, are answered once, and start once", async () => {
    const setup = new Setup();
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
    const setup = new Setup();
    const first = await setup.open();
    await first.send([10, 1, "who", {}], [10, 2, "who", {}], [10, 3, "who", {}]);
    await first.cut();
    const second = await setup.resume(first.welcome?.token, 2);
    expect(second.of(20)).toEqual([[20, 3, "nobody"]]);
  });

  test("gives a new token each time; the one before it is good until the client has acknowledged", async () => {
    const setup = new Setup();
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
    const setup = new Setup();
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
    const setup = new Setup({ identify: () => "all the same" });
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
      const setup = new Setup();
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
    const setup = new Setup();
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
    const setup = new Setup();
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
    const setup = new Setup({
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
    const setup = new Setup({ replayBytes: 15_000 });
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
    const setup = new Setup();
    const first = await setup.open();
    await first.cut();
    expect((await setup.resume(first.welcome?.token, 1)).welcome).not.toHaveProperty("received");
  });

  test("gives no token that the client showed to its new session", async () => {
    const setup = new Setup();
    const client = await setup.resume("stolen or made up", 0);
    await client.send([5, 0]);
    await client.cut();
    expect((await setup.resume("stolen or made up", 0)).welcome).not.toHaveProperty("received");
  });

  test("cannot be forced by a new session that chooses a token in use", async () => {
    const setup = new Setup();
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
    const setup = new Setup();
    const old = await setup.open();
    await old.send([11, 1, "wait", {}, "a"]);
    const next = await setup.resume(old.welcome?.token, 0);
    expect(old.closed).toEqual({ code: 4409, reason: "superseded" });
    await setup.answer();
    expect([old.of(20), next.of(20)]).toEqual([[], [[20, 1, "done"]]]);
    expect([setup.acceptor.connections, setup.acceptor.parkedSessions]).toEqual([1, 0]);
    expect(setup.types).toEqual(["opened", "resumed"]);
  });

  test("by a hello that is older, and was long on its way, is none", async () => {
    const setup = new Setup();
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
    const setup = new Setup({
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

describe("the end of a connection", () => {
  test.each([1000, 1001, 1002, 1007, 1009, 4400, 4501])(
    "with %d ends its session: nobody will come back",
    async (code) => {
      const setup = new Setup();
      const client = await setup.open({ params: { user: "ada" } });
      await client.send([11, 1, "wait", {}, "a"]);
      await client.close(code);
      expect(setup.signals[0]?.reason).toMatchObject({ code: "CONNECTION_CLOSED" });
      expect([setup.acceptor.parkedSessions, setup.types]).toEqual([0, ["opened", "lost"]]);
      expect((await setup.resume(client.welcome?.token, 0, { user: "ada" })).welcome).not.toHaveProperty("received");
    },
  );

  test.each([1005, 1006, 4410])("with %d parks its session", async (code) => {
    const setup = new Setup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    await client.close(code);
    expect([setup.acceptor.parkedSessions, setup.signals[0]?.aborted]).toEqual([1, false]);
    expect((await setup.resume(client.welcome?.token, 0)).welcome?.received).toBe(1);
  });

  test("that broke the protocol ends its session", async () => {
    const setup = new Setup();
    const client = await setup.open();
    await client.send([11, 1, "wait", {}, "a"]);
    await client.send([99, 1], [11, 1, "wait", {}, "b"]);
    expect(client.closed?.code).toBe(4400);
    expect(setup.signals[0]?.aborted).toBe(true);
    expect([setup.started, setup.acceptor.parkedSessions]).toEqual([["a"], 0]);
  });

  test("before the context stands leaves nothing behind", async () => {
    const setup = new Setup({ createContext: () => new Promise<never>(() => {}) });
    const client = setup.connect();
    await client.send([0, 1, { token: "mine" }], [11, 1, "wait", {}, "a"]);
    await client.cut();
    expect([setup.acceptor.connections, setup.acceptor.parkedSessions, setup.types]).toEqual([0, 0, []]);
    setup.clock.advance(60_000);
    await setup.acceptor.close(0);
    expect([setup.started, setup.clock.timers]).toEqual([[], 0]);
  });

  test("ends its session at once where sessions are not kept, and no token is given", async () => {
    const setup = new Setup({ sessionWindowMs: 0 });
    const client = await setup.open({ token: "mine" });
    await client.send([11, 1, "wait", {}, "a"]);
    expect(client.messages[0]).toEqual([1, {}]);
    await client.cut();
    expect(setup.signals[0]?.reason).toMatchObject({ code: "SESSION_LOST" });
    expect([setup.acceptor.parkedSessions, setup.types]).toEqual([0, ["opened", "lost"]]);
    expect((await setup.resume("mine", 0)).messages).toEqual([[1, {}]]);
  });
});

describe("a context that comes after its connection was closed", () => {
  test("opens no session, and takes none over", async () => {
    let create: () => void = () => {};
    const setup = new Setup({
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

describe("the window", () => {
  test("ends a parked session, whose calls are aborted", async () => {
    const setup = new Setup({ sessionWindowMs: 1_000 });
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
    const setup = new Setup({ sessionWindowMs: 1_000 });
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
    const endless = await new Setup({ sessionWindowMs: Number.POSITIVE_INFINITY }).open();
    expect(endless.messages[0]).toEqual([1, { token: anyText }]);
    const fraction = await new Setup({ sessionWindowMs: 10.5 }).open();
    expect(fraction.welcome?.windowMs).toBe(11);
  });
});

describe("hello", () => {
  test("is answered by welcome first, however many calls came with it", async () => {
    const setup = new Setup();
    const client = setup.connect();
    const calls = Array.from({ length: 100 }, (_, index) => [10, index + 1, "who", {}]);
    await client.send([0, 1, {}], ...calls);
    // A burst leaves at the end of its turn.
    setup.clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.messages[0]?.[0]).toBe(1);
    expect(client.of(20)).toHaveLength(100);
  });

  test("comes once", async () => {
    const setup = new Setup();
    const client = await setup.open();
    await client.send([0, 1, {}]);
    expect(client.closed?.code).toBe(4400);
    const twice = setup.connect();
    await twice.send([0, 1, {}], [0, 1, {}]);
    expect([twice.closed?.code, twice.of(1)]).toEqual([4400, []]);
  });

  test.each([
    ["a call", [10, 1, "who", {}]],
    ["a ping", [3, 0]],
    ["an ack", [5, 0]],
    ["new credentials", [7, {}]],
    ["a welcome", [1, {}]],
    ["a goaway", [6, 0]],
  ])("comes first: %s before it closes with 4400", async (_name, message) => {
    const setup = new Setup();
    const client = setup.connect();
    await client.send(message);
    expect(client.closed?.code).toBe(4400);
  });

  test.each([
    ["a welcome", [1, {}]],
    ["a refusal", [2, {}]],
    ["a goaway", [6, 0]],
    ["an answer to credentials", [8]],
  ])("may not be followed by what only servers say: %s closes with 4400", async (_name, message) => {
    const setup = new Setup();
    const client = await setup.open();
    await client.send(message);
    expect(client.closed?.code).toBe(4400);
  });
});

describe("acknowledgements of a client", () => {
  test.each([
    ["in the future", [5, 3]],
    ["backward", [5, 1]],
    ["in the future, in a ping", [3, 3]],
    ["in the future, in a pong", [4, 3]],
  ])("that cannot be close with 4400 and end the session: %s", async (_name, message) => {
    const setup = new Setup();
    const client = await setup.open();
    await client.send([10, 1, "who", {}], [10, 2, "who", {}]);
    await client.send([5, 2]);
    await client.send(message);
    expect(client.closed?.code).toBe(4400);
    expect(setup.types).toEqual(["opened", "lost"]);
  });

  test.each([-1, 1.5, "1", null, 2 ** 53])("that are no counts close with 4400: %s", async (count) => {
    const setup = new Setup();
    const client = await setup.open();
    await client.send([5, count]);
    expect(client.closed?.code).toBe(4400);
  });
});

describe("onSession", () => {
  test("hears of sessions that opened, were parked, resumed and lost, and whose they are", async () => {
    const setup = new Setup();
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
    const setup = new Setup({
      createContext: () => {
        throw new TRPCError({ code: "FORBIDDEN" });
      },
    });
    const client = setup.connect();
    await client.send([0, 1, {}]);
    expect([client.closed?.code, setup.events]).toEqual([4403, []]);
  });

  test("may throw", async () => {
    const setup = new Setup({
      onSession: () => {
        throw new Error("from onSession");
      },
    });
    const first = await setup.open();
    await first.cut();
    expect((await setup.resume(first.welcome?.token, 0)).welcome?.received).toBe(0);
  });
});

describe("new credentials", () => {
  test("make the context of the calls to come, not of those that run", async () => {
    const setup = new Setup({ identify: () => "one" });
    const client = await setup.open({ params: { user: "ada" } });
    await client.send([7, { user: "ada of now" }]);
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toEqual([[8], [20, 1, "ada of now"]]);
    expect(setup.types).toEqual(["opened"]);
  });

  test("of another are refused with FORBIDDEN, and change nothing", async () => {
    const setup = new Setup();
    const client = await setup.open({ params: { user: "ada" } });
    await client.send([7, { user: "bob" }]);
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toMatchObject([
      [8, { data: { code: "FORBIDDEN" } }],
      [20, 1, "ada"],
    ]);
    expect(client.closed).toBeUndefined();
  });

  test("that createContext throws on, or cannot read, are refused, and change nothing", async () => {
    const errors: string[] = [];
    const setup = new Setup({
      createContext: ({ info }): Context => {
        if (info.connectionParams?.["user"] === "bad")
          throw new TRPCError({ code: "UNAUTHORIZED", message: "expired" });
        return { user: info.connectionParams?.["user"] };
      },
      onError: ({ error }) => errors.push(error.code),
    });
    const client = await setup.open({ params: { user: "ada" } });
    await client.send([7, { user: "bad" }]);
    await client.send([7, 5]);
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toMatchObject([
      [8, { message: "expired", data: { code: "UNAUTHORIZED" } }],
      [8, { data: { code: "PARSE_ERROR" } }],
      [20, 1, "ada"],
    ]);
    expect(errors).toEqual(["UNAUTHORIZED", "PARSE_ERROR"]);
  });

  test("before the welcome close with 4400", async () => {
    const setup = new Setup();
    const client = setup.connect();
    await client.send([0, 1, {}], [7, {}]);
    expect(client.closed?.code).toBe(4400);
  });

  test("are answered one after the other, in their order, and the last ones count", async () => {
    const contexts: ((user: string) => void)[] = [];
    const setup = new Setup({
      createContext: ({ info }): Context | Promise<Context> => {
        if (info.connectionParams?.["user"] === undefined) return { user: undefined };
        return new Promise((resolve) => contexts.push((user) => resolve({ user })));
      },
      identify: () => "one",
    });
    const client = await setup.open();
    await client.send([7, { user: "a" }], [7, { user: "b" }]);
    expect(contexts).toHaveLength(1);
    contexts[0]?.("first");
    await settled();
    contexts[1]?.("second");
    await settled();
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toEqual([[8], [8], [20, 1, "second"]]);
  });

  test("of a connection that is gone meanwhile do not count: those of the newer one do", async () => {
    const contexts: ((user: string) => void)[] = [];
    const setup = new Setup({
      createContext: ({ info }): Context | Promise<Context> => {
        if (info.connectionParams?.["user"] !== "slow") return { user: info.connectionParams?.["user"] };
        return new Promise((resolve) => contexts.push((user) => resolve({ user })));
      },
      identify: () => "one",
    });
    const first = await setup.open();
    await first.send([7, { user: "slow" }]);
    await first.cut();
    const second = await setup.resume(first.welcome?.token, 0, { user: "newer" });
    contexts[0]?.("older");
    await settled();
    await second.send([5, 0], [10, 1, "who", {}]);
    expect(second.of(20)).toEqual([[20, 1, "newer"]]);
    expect(second.of(8)).toEqual([]);
  });

  test("are taken 16 at a time: more close with 4400", async () => {
    const setup = new Setup({
      createContext: ({ info }): Context | Promise<Context> =>
        info.connectionParams?.["user"] === "slow" ? new Promise(() => {}) : { user: undefined },
    });
    const client = await setup.open();
    await client.send(...Array.from({ length: 16 }, () => [7, { user: "slow" }]));
    expect(client.closed).toBeUndefined();
    await client.send([7, {}]);
    expect(client.closed?.code).toBe(4400);
  });

  test("that take too long are refused with TIMEOUT", async () => {
    const setup = new Setup({
      createContext: ({ info }): Context | Promise<Context> =>
        info.connectionParams?.["user"] === "slow" ? new Promise(() => {}) : { user: undefined },
      helloTimeoutMs: 1_000,
    });
    const client = await setup.open();
    await client.send([7, { user: "slow" }]);
    setup.clock.advance(999);
    await settled();
    expect(client.of(8)).toEqual([]);
    setup.clock.advance(1);
    await settled();
    expect(client.of(8)).toMatchObject([[8, { data: { code: "TIMEOUT" } }]]);
    expect(client.closed).toBeUndefined();
  });
});

describe("a heartbeat of the server", () => {
  test("begins with the welcome: until then the time for hello and context counts alone", async () => {
    const setup = new Setup({
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
    const setup = new Setup();
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
    const setup = new Setup();
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
    const setup = new Setup();
    const client = await setup.open();
    await client.send([10, 1, "who", {}], [3, 0]);
    expect([client.of(20), client.of(4)]).toEqual([[[20, 1, "nobody"]], [[4, 1]]]);
  });
});

describe("a client that takes nothing", () => {
  /** The client says something every second, as one does that only does not read. */
  async function pass(setup: Setup, client: MemoryClient, seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await client.send([64]);
      setup.clock.advance(1_000);
      await settled();
    }
  }

  test("of what waits in its socket is cut after 30 s; its session is parked, and its calls run on", async () => {
    const setup = new Setup();
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
    const setup = new Setup({ replayBytes: 2_000 });
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
    const setup = new Setup({ replayBytes: 2_000 });
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
    const setup = new Setup({ drainTimeoutMs: Number.POSITIVE_INFINITY });
    const client = await setup.open();
    await client.stallDown();
    await client.send([10, 1, "who", {}]);
    await pass(setup, client, 300);
    expect(setup.acceptor.connections).toBe(1);
  });
});

describe("close()", () => {
  test("tells busy clients to go, declines what is new, answers what runs, and closes with 1001", async () => {
    const setup = new Setup();
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
    const setup = new Setup();
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
    const setup = new Setup();
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
    const setup = new Setup();
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
    const setup = new Setup({ heartbeatMs: 1_000 });
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
    const setup = new Setup({ createContext: (): Promise<Context> => new Promise(() => {}) });
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
    const setup = new Setup();
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

  test("may be given all the time there is", async () => {
    const setup = new Setup();
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

describe("what is kept for clients that are away", () => {
  test("is capped by count, the oldest out first", async () => {
    const setup = new Setup({ maxParkedSessions: 2 });
    const clients = [await setup.open(), await setup.open(), await setup.open()];
    for (const client of clients) await client.cut();
    expect(setup.acceptor.parkedSessions).toBe(2);
    const again = await Promise.all(clients.map((client) => setup.resume(client.welcome?.token, 0)));
    expect(again.map(({ welcome }) => welcome?.received)).toEqual([undefined, 0, 0]);
  });

  test("is capped by size, also when it grows while it is parked", async () => {
    const setup = new Setup({ maxParkedBytes: 25_000 });
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
    const setup = new Setup({ replayBytes: 2_000 });
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
    const setup = new Setup({ maxParkedSessions: 100 });
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
