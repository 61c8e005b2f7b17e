import { type ConnectionState, createClient } from "@tautline/client";
import type { CreateContextOptions, ErrorReport, ServeOptions, TautlineServer } from "@tautline/server";
import { initTRPC, TRPCError } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { openGreeted, openRaw } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { holdTime } from "./fixture/time.ts";

cleanUpAfterEach();

interface Context {
  readonly user: string;
}

const t = initTRPC.context<Context>().create({
  errorFormatter: ({ shape }) => ({ ...shape, data: { ...shape.data, formatted: true } }),
});
let calls: string[] = [];
const router = t.router({
  me: t.procedure.query(({ ctx }) => {
    calls.push(ctx.user);
    return ctx;
  }),
  rename: t.procedure.mutation(({ ctx }) => ctx.user),
  mine: t.procedure.subscription(async function* ({ ctx }) {
    yield ctx.user;
  }),
});
type Router = typeof router;

const soon = { baseMs: 1, maxMs: 1 };

function start(
  createContext: (options: CreateContextOptions) => Context | Promise<Context>,
  options: Partial<ServeOptions<Router>> = {},
): Promise<TautlineServer> {
  calls = [];
  return startServer<Router>({ router, onError: () => {}, ...options, createContext });
}

describe("a connection that says nothing", () => {
  it("is closed after five seconds, and no sooner", async () => {
    const time = holdTime();
    const server = await start(() => ({ user: "ada" }));
    const raw = await openRaw(server.url);
    await until("the server knows it", () => server.connections === 1);
    await time.pass(4_999);
    expect(server.connections).toBe(1);
    await time.pass(1);
    expect((await raw.closed).code).toBe(4408);
    expect(raw.frames).toEqual([]);
  });

  it("is closed after helloTimeoutMs", async () => {
    const time = holdTime();
    const server = await start(() => ({ user: "ada" }), { helloTimeoutMs: 20 });
    const raw = await openRaw(server.url);
    await until("the server knows it", () => server.connections === 1);
    await time.pass(20);
    expect((await raw.closed).code).toBe(4408);
  });

  it("stays with helloTimeoutMs: Infinity, as does one that has been welcomed", async () => {
    const time = holdTime();
    const [patient, usual] = [
      await start(() => ({ user: "ada" }), { helloTimeoutMs: Number.POSITIVE_INFINITY }),
      await start(() => ({ user: "ada" })),
    ];
    const [silent, greeted] = [await openRaw(patient.url), await openGreeted(usual.url)];
    for (let beats = 1; beats <= 20; beats++) {
      await time.pass(25_000);
      await until("it was asked for a sign of life", () => greeted.frames.join("").split("[3,0]").length > beats);
      await turn();
    }
    silent.send([0, 1, {}]);
    expect(await silent.message(1)).toMatchObject([1, {}]);
    greeted.send([10, 1, "me", {}]);
    expect(await greeted.message(20, 1)).toEqual([20, 1, { user: "ada" }]);
  });
});

describe("createContext", () => {
  it("that takes its time has nothing of what comes meanwhile lost, however much it is", async () => {
    const gate = createGate<Context>();
    const server = await start(() => gate.opened);
    const raw = await openRaw(server.url);
    const ids = Array.from({ length: 64 }, (_, index) => index + 1);
    raw.send([0, 1, {}]);
    // More than the system keeps on its way.
    for (const id of ids) raw.send([11, id, "rename", {}, "x".repeat(1_000_000)]);
    await until("the server has heard of it", () => server.connections === 1);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(raw.frames).toEqual([]);
    gate.open({ user: "ada" });
    for (const id of ids) expect(await raw.message(20, id)).toEqual([20, id, "ada"]);
  });

  it("that refuses closes the client for good, with its error", async () => {
    const time = holdTime();
    let asked = 0;
    const reports: ErrorReport<Context>[] = [];
    const server = await start(
      () => {
        asked++;
        throw new TRPCError({ code: "UNAUTHORIZED", message: "the token has expired" });
      },
      { onError: (report) => void reports.push(report) },
    );
    const client = closing(createClient<Router>({ url: server.url, backoff: soon }));
    const expected = {
      code: "UNAUTHORIZED",
      message: "the token has expired",
      data: { code: "UNAUTHORIZED", httpStatus: 401, formatted: true },
    };
    const pending = [client.me.query(), client.rename.mutate(), client.mine.subscribe().next()].map(rejection);
    for (const told of pending) expect(await told).toMatchObject(expected);
    expect(client.connection.state).toMatchObject({ status: "closed", reason: expected });

    await time.pass(3_600_000);
    expect(asked).toBe(1);
    expect(await rejection(client.me.query())).toMatchObject(expected);
    expect({ asked, calls }).toEqual({ asked: 1, calls: [] });
    expect(reports).toMatchObject([{ path: undefined, type: "unknown", error: { code: "UNAUTHORIZED" } }]);
  });

  it("that refuses with FORBIDDEN, asynchronously, closes the client for good too", async () => {
    const server = await start(() => Promise.reject(new TRPCError({ code: "FORBIDDEN", message: "not you" })));
    const client = closing(createClient<Router>({ url: server.url }));
    expect(await rejection(client.me.query())).toMatchObject({ code: "FORBIDDEN", message: "not you" });
    expect(client.connection.state).toMatchObject({ status: "closed", reason: { code: "FORBIDDEN" } });
  });

  it("that refused is asked again by connect()", async () => {
    let token = "old";
    const server = await start(({ info }) => {
      if (info.connectionParams?.["token"] !== "new") throw new TRPCError({ code: "UNAUTHORIZED" });
      return { user: "ada" };
    });
    const client = closing(createClient<Router>({ url: server.url, connectionParams: () => ({ token }) }));
    expect(await rejection(client.me.query())).toMatchObject({ code: "UNAUTHORIZED" });
    token = "new";
    client.connection.connect();
    expect(await client.me.query()).toEqual({ user: "ada" });
  });

  it("that fails is tried again, and every call is answered once; the cause stays on the server", async () => {
    let asked = 0;
    const server = await start(async () => {
      asked++;
      if (asked < 3) throw new Error("secret: the database is down");
      return { user: `ada, attempt ${asked}` };
    });
    const client = closing(createClient<Router>({ url: server.url, backoff: soon }));
    const states: ConnectionState[] = [];
    client.connection.subscribe((state) => states.push(state));
    const results = await Promise.all([client.me.query(), client.rename.mutate(), client.mine.subscribe().next()]);
    expect(results).toEqual([{ user: "ada, attempt 3" }, "ada, attempt 3", { done: false, value: "ada, attempt 3" }]);
    expect(calls).toEqual(["ada, attempt 3"]);
    expect(states.map(({ status }) => status)).toEqual(["connecting", "reconnecting", "reconnecting", "online"]);
    expect(states[1]).toMatchObject({
      attempt: 1,
      reason: { code: "INTERNAL_SERVER_ERROR", message: "Internal server error" },
    });
    expect(JSON.stringify(states)).not.toContain("secret");
  });

  it.each([
    ["nothing", undefined],
    ["a text", "secret"],
    ["null", null],
    ["an object", { secret: 1 }],
  ])("may throw %s, and the server goes on", async (_what, thrown) => {
    const server = await start(() => {
      throw thrown; // oxlint-disable-line typescript/only-throw-error -- createContext throws what it likes
    });
    const raw = await openRaw(server.url);
    raw.send([0, 1, {}]);
    expect((await raw.closed).code).toBe(4500);
    expect(raw.frames.join()).not.toContain("secret");
    expect(raw.messages()).toMatchObject([[2, { data: { code: "INTERNAL_SERVER_ERROR" } }]]);
  });

  it("that never settles has its connection closed after five seconds, its calls not started", async () => {
    const time = holdTime();
    let asked = 0;
    const server = await start(() => {
      asked++;
      return new Promise<never>(() => {});
    });
    const raw = await openRaw(server.url);
    await time.pass(4_000);
    raw.send([0, 1, {}], [10, 1, "me", {}]);
    await until("createContext is asked", () => asked === 1);
    await time.pass(4_999);
    expect(server.connections).toBe(1);
    await time.pass(1);
    expect((await raw.closed).code).toBe(4408);
    expect({ calls, frames: raw.frames }).toEqual({ calls: [], frames: [] });
  });

  it("gets the request and, in info, the URL and a signal that fires when the connection is gone", async () => {
    const seen: CreateContextOptions[] = [];
    const server = await start((options) => {
      seen.push(options);
      return { user: "ada" };
    });
    const client = closing(createClient<Router>({ url: `${server.url}?from=page` }));
    await client.me.query();
    expect(seen).toHaveLength(1);
    const [options] = seen;
    expect(options?.req.headers["sec-websocket-protocol"]).toBe("tautline.v1");
    expect(options?.info.url?.href).toBe(`${server.url}?from=page`);
    const signal = options?.info.signal;
    expect(signal?.aborted).toBe(false);
    client.connection.close();
    await until("the signal has fired", () => signal?.aborted === true);
    expect(signal?.reason).toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("makes one context for each connection, and each keeps its own", async () => {
    const server = await start(({ info }) => ({ user: info.connectionParams?.["user"] ?? "guest" }));
    const clients = ["ada", "bob", undefined].map((user) =>
      closing(createClient<Router>({ url: server.url, connectionParams: user === undefined ? undefined : { user } })),
    );
    const ask = (): Promise<Context[]> => Promise.all(clients.map((client) => client.me.query()));
    const expected = [{ user: "ada" }, { user: "bob" }, { user: "guest" }];
    expect(await ask()).toEqual(expected);
    expect(await ask()).toEqual(expected);
  });
});

describe("connectionParams", () => {
  const echo = (): Promise<TautlineServer> => start(({ info }) => ({ user: JSON.stringify(info.connectionParams) }));

  it.each([
    ["a value", { a: "1" }, '{"a":"1"}'],
    ["a function", () => ({ b: "2" }), '{"b":"2"}'],
    ["an asynchronous function", async () => ({ c: "3" }), '{"c":"3"}'],
    ["a function that gives none", () => undefined, "null"],
    ["left out", undefined, "null"],
    ["empty", {}, "{}"],
    ["any text", { "ü \u2028": '"\\\u0000😀' }, JSON.stringify({ "ü \u2028": '"\\\u0000😀' })],
  ])("may be %s", async (_what, connectionParams, user) => {
    const { url } = await echo();
    const client = closing(createClient<Router>({ url, connectionParams }));
    expect(await client.me.query()).toEqual({ user });
  });

  it("do not show in the URL", async () => {
    let url: string | undefined;
    const server = await start(({ req }) => {
      url = req.url;
      return { user: "ada" };
    });
    const client = closing(createClient<Router>({ url: server.url, connectionParams: { token: "secret" } }));
    await client.me.query();
    expect(url).toBe("/");
  });

  it("that cannot be had now are asked for again", async () => {
    let asked = 0;
    const { url } = await echo();
    const connectionParams = async (): Promise<Record<string, string>> => {
      asked++;
      if (asked === 1) throw new Error("no token yet");
      return { token: "t" };
    };
    const client = closing(createClient<Router>({ url, connectionParams, backoff: soon }));
    expect(await client.me.query()).toEqual({ user: '{"token":"t"}' });
    expect(asked).toBe(2);
  });

  it.each([
    ["a number in them", { n: 5 }],
    ["an object in them", { n: {} }],
    ["null in them", { n: null }],
    ["an array", ["a"]],
    ["a text", "a"],
    ["a number", 5],
    ["true", true],
  ])("with %s are refused in words, and the server goes on", async (_what, params) => {
    const { url } = await echo();
    const raw = await openRaw(url);
    raw.send([0, 1, { params }], [10, 1, "me", {}]);
    expect(await raw.closed).toMatchObject({ code: 4400 });
    expect(raw.messages()).toMatchObject([[2, { data: { code: "PARSE_ERROR" } }]]);
    expect(calls).toEqual([]);
    const good = await openGreeted(url);
    good.send([10, 1, "me", {}]);
    expect(await good.message(20, 1)).toEqual([20, 1, { user: "null" }]);
  });

  it("that are refused close the client for good", async () => {
    const { url } = await echo();
    const connectionParams = { n: 5 } as unknown as Record<string, string>;
    const client = closing(createClient<Router>({ url, connectionParams }));
    expect(await rejection(client.me.query())).toMatchObject({ code: "PARSE_ERROR" });
    expect(client.connection.state).toMatchObject({ status: "closed", reason: { code: "PARSE_ERROR" } });
  });
});
