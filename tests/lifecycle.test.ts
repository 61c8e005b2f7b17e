import { createServer as createTcpServer } from "node:net";
import { type ConnectionOptions, createClient, type RouterClient } from "@tautline/client";
import type { TautlineServer } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it, vi } from "vitest";
import { afterTest, cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, collect, createTap, rejection } from "./fixture/client.ts";
import { createGate, type Gate } from "./fixture/gate.ts";
import { startServer } from "./fixture/server.ts";
import { holdTime } from "./fixture/time.ts";

cleanUpAfterEach();

const t = initTRPC.create();
let gate: Gate<string> = createGate<string>();
let started: string[] = [];

const router = t.router({
  ping: t.procedure.query(() => "pong"),
  get: t.procedure.query(({ path }) => {
    started.push(path);
    return gate.opened;
  }),
  add: t.procedure.mutation(({ path }) => {
    started.push(path);
    return gate.opened;
  }),
  news: t.procedure.subscription(async function* ({ path, signal }) {
    started.push(path);
    yield "news";
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
  }),
});
type Router = typeof router;

interface Setup {
  readonly server: TautlineServer;
  readonly client: RouterClient<Router>;
}

async function open(options: Partial<ConnectionOptions> = {}): Promise<Setup> {
  gate = createGate<string>();
  started = [];
  const server = await startServer({ router });
  return { server, client: closing(createClient<Router>({ url: server.url, ...options })) };
}

describe("a client", () => {
  it("connects with its first call", async () => {
    const tap = createTap();
    const { client } = await open({ WebSocket: tap.WebSocket });
    await turn();
    expect({ state: client.connection.state, sockets: tap.sockets.length }).toEqual({
      state: { status: "idle" },
      sockets: 0,
    });
    expect(await client.ping.query()).toBe("pong");
    expect(await client.ping.query()).toBe("pong");
    expect(tap.sockets).toHaveLength(1);
  });

  it("connects at once with lazy: false", async () => {
    const { client } = await open({ lazy: false });
    expect(client.connection.state).toEqual({ status: "connecting" });
    await until("it is online", () => client.connection.state.status === "online");
  });

  it("connects with connect(), once however often that is called", async () => {
    const tap = createTap();
    const { client } = await open({ WebSocket: tap.WebSocket });
    client.connection.connect();
    client.connection.connect();
    await until("it is online", () => client.connection.state.status === "online");
    client.connection.connect();
    expect(await client.ping.query()).toBe("pong");
    expect(tap.sockets).toHaveLength(1);
  });

  it.each([
    ["a text", (url: string) => url],
    ["a URL", (url: string) => new URL(url)],
    ["an http: address", (url: string) => url.replace("ws:", "http:")],
    ["a function", (url: string) => () => url],
    ["an asynchronous function", (url: string) => async () => new URL(url)],
  ])("takes %s for its URL", async (_what, provide) => {
    const { url } = await startServer({ router });
    const client = closing(createClient<Router>({ url: provide(url) }));
    expect(await client.ping.query()).toBe("pong");
  });

  it.each(["", "not a URL", "ftp://127.0.0.1", "ws://127.0.0.1:99999", "ws://127.0.0.1/#fragment"])(
    "whose URL is %j is closed, and its calls reject",
    async (url) => {
      const client = closing(createClient<Router>({ url }));
      expect(await rejection(client.ping.query())).toMatchObject({ code: "BAD_REQUEST" });
      expect(client.connection.state).toMatchObject({ status: "closed", reason: { code: "BAD_REQUEST" } });
    },
  );

  it("gives up on a server that does not answer after ten seconds, and tries again", async () => {
    const time = holdTime();
    const mute = createTcpServer((socket) => {
      afterTest(() => void socket.destroy());
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    afterTest(() => new Promise<void>((resolve) => mute.close(() => resolve())));
    const { port } = mute.address() as { port: number };
    const client = closing(createClient<Router>({ url: `ws://127.0.0.1:${port}`, lazy: false }));
    await time.pass(9_999);
    expect(client.connection.state).toEqual({ status: "connecting" });
    await time.pass(1);
    expect(client.connection.state).toMatchObject({
      status: "reconnecting",
      attempt: 1,
      reason: { code: "CONNECTION_CLOSED" },
    });
  });

  it("waits longer from try to try, and not at all after connect()", async () => {
    const time = holdTime();
    let asked = 0;
    const url = async (): Promise<string> => {
      asked++;
      throw new Error("no address yet");
    };
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    afterTest(() => void vi.restoreAllMocks());
    const client = closing(createClient<Router>({ url, backoff: { baseMs: 1_000, maxMs: 8_000 }, lazy: false }));
    const triedTimes = (times: number): Promise<void> =>
      until("it has tried", () => asked === times && client.connection.state.status === "reconnecting");
    for (const [attempt, delayMs] of [500, 1_000, 2_000, 4_000, 4_000, 4_000].entries()) {
      await triedTimes(attempt + 1);
      expect(client.connection.state).toMatchObject({ attempt: attempt + 1, retryAt: Date.now() + delayMs });
      await time.pass(delayMs - 1);
      expect(asked).toBe(attempt + 1);
      await time.pass(1);
    }
    await triedTimes(7);
    client.connection.connect();
    expect(asked).toBe(8);
    await turn();
    expect(client.connection.state).toMatchObject({ status: "reconnecting", attempt: 8 });
  });

  it("leaves no timer behind, and neither does its server", async () => {
    holdTime();
    const { server, client } = await open({ idleCloseMs: 60_000 });
    gate.open("got");
    await Promise.all([client.get.query(undefined, { timeoutMs: 30_000 }), client.add.mutate()]);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    client.connection.close();
    await until("the connection is gone", () => server.connections === 0);
    await server.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("idleCloseMs", () => {
  it("closes a connection after its last call, and the next call opens it again", async () => {
    const time = holdTime();
    const { server, client } = await open({ idleCloseMs: 1_000 });
    await client.ping.query();
    await time.pass(999);
    expect(await client.ping.query()).toBe("pong");
    await time.pass(999);
    expect(client.connection.state).toEqual({ status: "online" });
    await time.pass(1);
    expect(client.connection.state).toEqual({ status: "idle" });
    await until("the server has let go", () => server.connections === 0);
    expect(await client.ping.query()).toBe("pong");
  });

  it("waits for calls and subscriptions", async () => {
    const time = holdTime();
    const { client } = await open({ idleCloseMs: 1_000 });
    const subscription = client.news.subscribe(undefined, { onData: () => {} });
    const query = client.get.query();
    await until("both run", () => started.length === 2);
    await time.pass(60_000);
    expect(client.connection.state).toEqual({ status: "online" });
    gate.open("got");
    expect(await query).toBe("got");
    await time.pass(60_000);
    expect(client.connection.state).toEqual({ status: "online" });
    subscription.unsubscribe();
    await time.pass(1_000);
    expect(client.connection.state).toEqual({ status: "idle" });
  });

  it.each(["aborted", "over its time"])("counts from the end of a call that is %s", async (how) => {
    const time = holdTime();
    const { client } = await open({ idleCloseMs: 1_000 });
    const controller = new AbortController();
    const call = rejection(client.get.query(undefined, { signal: controller.signal, timeoutMs: 500 }));
    await until("it runs", () => started.length === 1);
    if (how === "aborted") controller.abort();
    else await time.pass(500);
    await call;
    await time.pass(999);
    expect(client.connection.state).toEqual({ status: "online" });
    await time.pass(1);
    expect(client.connection.state).toEqual({ status: "idle" });
  });

  it("does not cut a call off on account of earlier ones that were never made", async () => {
    const time = holdTime();
    const { client } = await open({ idleCloseMs: 1_000 });
    await client.ping.query();
    for (let call = 0; call < 3; call++) await rejection(client.ping.query(undefined, { signal: AbortSignal.abort() }));
    const query = client.get.query();
    await until("it runs", () => started.length === 1);
    await time.pass(60_000);
    gate.open("got");
    expect(await query).toBe("got");
  });

  it("does not open again what was closed", async () => {
    const time = holdTime();
    const { client } = await open({ idleCloseMs: 1_000 });
    const call = rejection(client.get.query());
    await until("it runs", () => started.length === 1);
    client.connection.close();
    await call;
    expect(await rejection(client.ping.query())).toMatchObject({ code: "CONNECTION_CLOSED" });
    await time.pass(60_000);
    expect(client.connection.state).toEqual({ status: "closed" });
    expect(await rejection(client.ping.query())).toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("is off by default", async () => {
    const time = holdTime();
    const { client } = await open();
    await client.ping.query();
    await time.pass(24 * 3_600_000);
    expect(await client.ping.query()).toBe("pong");
    expect(client.connection.state).toEqual({ status: "online" });
  });
});

describe("close()", () => {
  it("rejects what is in flight, and says of a mutation that its outcome is unknown", async () => {
    const { server, client } = await open();
    const [query, mutation] = [rejection(client.get.query()), rejection(client.add.mutate())];
    const items = collect(client.news.subscribe());
    const loop = rejection(items);
    const told: unknown[] = [];
    client.news.subscribe(undefined, { onError: (error) => told.push(error), onStopped: () => told.push("stopped") });
    await until("all of them run", () => started.length === 4);

    client.connection.close();
    expect(client.connection.state).toEqual({ status: "closed" });
    expect(await query).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(await mutation).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(await loop).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(told).toMatchObject([{ code: "CONNECTION_CLOSED" }]);
    await until("the server has let go", () => server.connections === 0);
  });

  it("rejects what was not sent with CONNECTION_CLOSED, mutations too", async () => {
    const client = closing(createClient<Router>({ url: () => new Promise<string>(() => {}) }));
    const calls = [client.get.query(), client.add.mutate(), client.news.subscribe().next()].map(rejection);
    client.connection.close();
    for (const call of calls) expect(await call).toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("has later calls reject with CONNECTION_CLOSED", async () => {
    const { client } = await open();
    await client.ping.query();
    client.connection.close();
    client.connection.close();
    const told: unknown[] = [];
    client.news.subscribe(undefined, { onError: (error) => told.push(error) });
    const calls = [client.get.query(), client.add.mutate(), client.news.subscribe().next()].map(rejection);
    for (const call of calls) expect(await call).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(told).toMatchObject([{ code: "CONNECTION_CLOSED" }]);
    expect(started).toEqual([]);
    expect(client.connection.state).toEqual({ status: "closed" });
  });

  it("is undone by connect()", async () => {
    const { client } = await open();
    await client.ping.query();
    client.connection.close();
    client.connection.connect();
    expect(client.connection.state).toEqual({ status: "connecting" });
    expect(await client.ping.query()).toBe("pong");
  });

  it("right after connect() leaves no socket behind", async () => {
    const tap = createTap();
    const { server, client } = await open({ WebSocket: tap.WebSocket });
    client.connection.connect();
    client.connection.close();
    client.connection.connect();
    await until("a socket is made", () => tap.sockets.length > 0);
    client.connection.close();
    await until("every socket is closed", () => tap.sockets.every((socket) => socket.readyState === socket.CLOSED));
    await until("the server has let go", () => server.connections === 0);
    expect(client.connection.state).toEqual({ status: "closed" });
  });

  it("ends the tries to come back", async () => {
    const time = holdTime();
    let asked = 0;
    const url = async (): Promise<string> => {
      asked++;
      throw new Error("no address");
    };
    const client = closing(createClient<Router>({ url, lazy: false }));
    await until("it has tried", () => client.connection.state.status === "reconnecting");
    client.connection.close();
    await time.pass(3_600_000);
    expect({ asked, state: client.connection.state }).toEqual({ asked: 1, state: { status: "closed" } });
  });

  it("may be called by a callback of the client's own", async () => {
    const { server, client } = await open();
    const told: unknown[] = [];
    client.news.subscribe(undefined, {
      onData: (item) => {
        told.push(item);
        client.connection.close();
      },
      onError: ({ code }) => told.push(code),
    });
    await until("it is over", () => told.length === 2);
    expect(told).toEqual(["news", "CONNECTION_CLOSED"]);
    await until("the server has let go", () => server.connections === 0);
  });
});
