import { createServer, type Server as HttpServer } from "node:http";
import { connect as connectTcp } from "node:net";
import { createClient } from "@tautline/client";
import { serve, type TautlineServer } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { afterTest, cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, createTap, rejection } from "./fixture/client.ts";
import { createGate, type Gate } from "./fixture/gate.ts";
import { ask, askToUpgrade, handshakeHeaders } from "./fixture/handshake.ts";
import { openGreeted, openRaw } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { holdTime } from "./fixture/time.ts";

cleanUpAfterEach();

const t = initTRPC.create();

/** `slow` answers when the gate is opened. */
function createRouter(gate: Gate<string> = createGate<string>()) {
  return t.router({
    ping: t.procedure.query(() => "pong"),
    slow: t.procedure.mutation(() => gate.opened),
    ticks: t.procedure.subscription(async function* ({ signal }) {
      yield 1;
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    }),
  });
}

type Router = ReturnType<typeof createRouter>;

async function startHttp(http: HttpServer): Promise<number> {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  afterTest(() => new Promise<void>((resolve) => http.close(() => resolve())));
  const address = http.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("a server of its own", () => {
  it.each(["GET", "HEAD"])("answers %s with 426 and the protocol that it speaks", async (method) => {
    const { url } = await startServer({ router: createRouter() });
    expect(await ask(url, { method })).toMatchObject({ status: 426, headers: { upgrade: "websocket" } });
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("answers %s with 405", async (method) => {
    const { url } = await startServer({ router: createRouter() });
    expect((await ask(url, { method })).status).toBe(405);
  });

  it("answers an upgrade by POST with 405", async () => {
    const { url } = await startServer({ router: createRouter() });
    expect((await ask(url, { method: "POST", headers: handshakeHeaders })).status).toBe(405);
  });

  it.each(["/other", "/rpc/", "/rp", "/", "//rpc", "/RPC"])("answers an upgrade on %s with 404", async (path) => {
    const { url } = await startServer({ router: createRouter(), path: "/rpc" });
    expect((await askToUpgrade(`${new URL(url).origin}${path}`)).status).toBe(404);
  });

  it("takes its path with a query", async () => {
    const { url } = await startServer({ router: createRouter(), path: "/rpc" });
    expect((await askToUpgrade(`${url}?from=page`)).status).toBe(101);
  });

  it.each([
    ["no subprotocol", { "sec-websocket-protocol": undefined }],
    ["another subprotocol", { "sec-websocket-protocol": "graphql-transport-ws" }],
    ["a subprotocol alike", { "sec-websocket-protocol": "tautline.v10, TAUTLINE.V1" }],
    ["a malformed subprotocol", { "sec-websocket-protocol": "tautline.v1,," }],
    ["the subprotocol twice", { "sec-websocket-protocol": "tautline.v1, tautline.v1" }],
    ["no key", { "sec-websocket-key": undefined }],
    ["a malformed key", { "sec-websocket-key": "short" }],
    ["version 12", { "sec-websocket-version": "12" }],
    ["another upgrade", { upgrade: "h2c" }],
  ])("answers an upgrade with %s with 400", async (_what, headers) => {
    const { url } = await startServer({ router: createRouter() });
    expect((await askToUpgrade(url, headers)).status).toBe(400);
  });

  it("takes its subprotocol out of several", async () => {
    const { url } = await startServer({ router: createRouter() });
    const answer = await askToUpgrade(url, { "sec-websocket-protocol": "tautline.v2, tautline.v1" });
    expect(answer).toMatchObject({ status: 101, headers: { "sec-websocket-protocol": "tautline.v1" } });
  });

  it("answers what is no HTTP with 400, and goes on", async () => {
    const { url, port } = await startServer({ router: createRouter() });
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connectTcp(port, "127.0.0.1", () => socket.write("\u0016\u0003\u0001 garbage\r\n\r\n"));
      socket.on("data", (data) => {
        text += data.toString();
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect((await askToUpgrade(url)).status).toBe(101);
  });

  it("answers headers over 16 kB with 431, and goes on", async () => {
    const { url } = await startServer({ router: createRouter() });
    expect((await askToUpgrade(url, { "x-long": "x".repeat(20_000) })).status).toBe(431);
    expect((await askToUpgrade(url)).status).toBe(101);
  });

  it("survives 2,100 headers", async () => {
    const { url } = await startServer({ router: createRouter() });
    const many = Object.fromEntries(Array.from({ length: 2_100 }, (_, index) => [`x${index}`, "1"]));
    await askToUpgrade(url, many).catch(() => {});
    expect((await askToUpgrade(url)).status).toBe(101);
  });

  it("picks a free port for port 0 and tells its URL", async () => {
    const [one, two] = [await startServer({ router: createRouter() }), await startServer({ router: createRouter() })];
    expect(one.url).toBe(`ws://127.0.0.1:${one.port}/`);
    expect(one.port).toBeGreaterThan(0);
    expect(two.port).not.toBe(one.port);
  });

  it("listens on all interfaces where the host is left out", async () => {
    const server = await serve({ router: createRouter() });
    afterTest(() => server.close());
    expect(server.url).toBe(`ws://localhost:${server.port}/`);
    for (const host of ["127.0.0.1", "127.0.0.2"]) {
      expect((await askToUpgrade(`ws://${host}:${server.port}/`)).status).toBe(101);
    }
    await until("the sockets are gone", () => server.connections === 0);
  });

  it("listens on the given host alone", async () => {
    const { port } = await startServer({ router: createRouter() });
    await expect(askToUpgrade(`ws://127.0.0.2:${port}/`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("rejects where the port is taken", async () => {
    const { port } = await startServer({ router: createRouter() });
    await expect(serve({ router: createRouter(), host: "127.0.0.1", port })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });
});

describe("origins", () => {
  /** What the default says of an origin, for a server that was asked for by this host. */
  const byDefault: readonly [host: string, origin: string, status: number][] = [
    ["app.example", "https://app.example", 101],
    ["app.example", "http://app.example", 101],
    ["APP.example", "https://app.example", 101],
    ["app.example:8443", "https://app.example:8443", 101],
    ["app.example", "https://app.example:8443", 403],
    ["app.example:8443", "https://app.example", 403],
    ["app.example", "https://evil.example", 403],
    ["app.example", "https://app.example.evil.org", 403],
    ["app.example", "https://evil-app.example", 403],
    ["app.example", "https://sub.app.example", 403],
    ["app.example", "https://app.example@evil.org", 403],
    ["app.example", "null", 403],
    ["app.example", "", 403],
    ["app.example", "app.example", 403],
    ["app.example", "http://localhost:5173", 403],
    ["localhost:3000", "http://localhost:5173", 101],
    ["127.0.0.1:3000", "http://localhost:5173", 101],
    ["localhost:3000", "http://127.0.0.1:5173", 101],
    ["[::1]:3000", "http://localhost:5173", 101],
    ["localhost:3000", "http://localhost.evil.org", 403],
    ["localhost:3000", "http://127.0.0.1.evil.org", 403],
    ["localhost:3000", "http://localhost@evil.org", 403],
    ["localhost:3000", "https://evil.org", 403],
    ["localhost:3000", "null", 403],
  ];

  it.each(byDefault)("asked for as %s, an upgrade from %j gets %i", async (host, origin, status) => {
    const { url } = await startServer({ router: createRouter() });
    expect((await askToUpgrade(url, { host, origin })).status).toBe(status);
  });

  it("may be a list, taken literally", async () => {
    const { url } = await startServer({ router: createRouter(), allowedOrigins: ["https://app.example"] });
    const statusOf = async (origin: string): Promise<number> => (await askToUpgrade(url, { origin })).status;
    expect(await statusOf("https://app.example")).toBe(101);
    expect(await statusOf("https://app.example.evil.org")).toBe(403);
    expect(await statusOf("https://app.exampl")).toBe(403);
    expect(await statusOf("http://app.example")).toBe(403);
    expect(await statusOf("null")).toBe(403);
    expect(await statusOf("http://127.0.0.1:5173")).toBe(403);
  });

  it("may be a function of origin and request", async () => {
    const seen: unknown[] = [];
    const { url } = await startServer({
      router: createRouter(),
      allowedOrigins: (origin, request) => {
        seen.push([origin, request.headers["x-from"]]);
        return origin.endsWith(".example");
      },
    });
    expect((await askToUpgrade(url, { origin: "https://a.example", "x-from": "a" })).status).toBe(101);
    expect((await askToUpgrade(url, { origin: "https://a.evil", "x-from": "b" })).status).toBe(403);
    expect(seen).toEqual([
      ["https://a.example", "a"],
      ["https://a.evil", "b"],
    ]);
  });

  it("are refused by a function that throws on them, and the server goes on", async () => {
    const { url } = await startServer({
      router: createRouter(),
      allowedOrigins: (origin) => new URL(origin).hostname === "app.example",
    });
    expect((await askToUpgrade(url, { origin: "null" })).status).toBe(403);
    expect((await askToUpgrade(url, { origin: "https://app.example" })).status).toBe(101);
  });

  it("are all taken with *", async () => {
    const { url } = await startServer({ router: createRouter(), allowedOrigins: "*" });
    expect((await askToUpgrade(url, { origin: "null" })).status).toBe(101);
    expect((await askToUpgrade(url, { origin: "https://evil.org" })).status).toBe(101);
  });

  it("may be missing, unless the server requires one", async () => {
    const { url } = await startServer({ router: createRouter() });
    expect((await askToUpgrade(url)).status).toBe(101);
    const strict = await startServer({ router: createRouter(), requireOrigin: true });
    expect((await askToUpgrade(strict.url)).status).toBe(403);
    expect((await askToUpgrade(strict.url, { origin: "http://localhost:5173" })).status).toBe(101);
    const open = await startServer({ router: createRouter(), requireOrigin: true, allowedOrigins: "*" });
    expect((await askToUpgrade(open.url)).status).toBe(403);
  });
});

describe("an HTTP server that was there before", () => {
  async function share(): Promise<{ http: HttpServer; base: string; server: TautlineServer }> {
    const http = createServer((request, response) => response.end(`page ${request.method} ${request.url}`));
    const port = await startHttp(http);
    const server = await startServer({ router: createRouter(), server: http, path: "/rpc" });
    return { http, base: `ws://127.0.0.1:${port}`, server };
  }

  it("answers every request itself, also on the path", async () => {
    const { base } = await share();
    expect(await ask(`${base}/`)).toMatchObject({ status: 200, body: "page GET /" });
    expect(await ask(`${base}/rpc`)).toMatchObject({ status: 200, body: "page GET /rpc" });
    expect(await ask(`${base}/rpc`, { method: "POST" })).toMatchObject({ status: 200, body: "page POST /rpc" });
  });

  it("is called through on the path", async () => {
    const { base, server } = await share();
    expect(new URL(server.url).pathname).toBe("/rpc");
    expect(server.url.endsWith(`:${new URL(base).port}/rpc`)).toBe(true);
    const client = closing(createClient<Router>({ url: `${base}/rpc` }));
    expect(await client.ping.query()).toBe("pong");
  });

  it("keeps its other upgrades", async () => {
    const { http, base } = await share();
    const other = new WebSocketServer({ noServer: true });
    http.on("upgrade", (request, stream, head) => {
      if (request.url !== "/other") return;
      other.handleUpgrade(request, stream, head, (socket) => socket.send("other"));
    });
    expect((await askToUpgrade(`${base}/other`)).status).toBe(101);
    expect((await askToUpgrade(`${base}/rpc`, { "sec-websocket-protocol": "mine" })).status).toBe(400);
    const raw = await openRaw(`${base}/other`);
    await until("the other server has spoken", () => raw.frames.length > 0);
    expect(raw.frames).toEqual(["other"]);
  });

  it("leaves no upgrade hanging that nobody takes", async () => {
    const { base } = await share();
    expect((await askToUpgrade(`${base}/nobody`)).status).toBe(404);
  });

  it("goes on after close(), without a trace", async () => {
    const { http, base, server } = await share();
    expect(http.listenerCount("upgrade")).toBe(1);
    await server.close();
    expect(http.listenerCount("upgrade")).toBe(0);
    expect(await ask(`${base}/`)).toMatchObject({ status: 200 });
  });

  it("answers upgrades with 503 while the server drains", async () => {
    const gate = createGate<string>();
    const http = createServer();
    const port = await startHttp(http);
    const server = await startServer({ router: createRouter(gate), server: http });
    const raw = await openGreeted(`ws://127.0.0.1:${port}/`);
    raw.send([11, 1, "slow", {}], [10, 2, "ping", {}]);
    await raw.message(20, 2);
    const closed = server.close();
    expect((await askToUpgrade(`ws://127.0.0.1:${port}/`)).status).toBe(503);
    gate.open("done");
    await closed;
  });
});

describe("close()", () => {
  it("says goaway, lets a mutation finish, declines new calls meanwhile, then closes with 1001", async () => {
    const gate = createGate<string>();
    const server = await startServer({ router: createRouter(gate) });
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "slow", {}], [10, 2, "ping", {}]);
    await raw.message(20, 2);

    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    expect(await raw.message(6)).toEqual([6, 2_500]);
    raw.send([10, 3, "ping", {}], [11, 4, "slow", {}], [12, 5, "ticks", {}]);
    for (const id of [3, 4, 5]) expect(await raw.message(27, id)).toEqual([27, id]);
    expect(closed).toBe(false);

    gate.open("done");
    expect(await raw.message(20, 1)).toEqual([20, 1, "done"]);
    expect((await raw.closed).code).toBe(1001);
    await closing;
    expect(raw.messages().filter((message) => [20, 21].includes((message as [number])[0]))).toHaveLength(2);
    await expect(askToUpgrade(server.url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("answers through the client what was running, and what comes after waits for another server", async () => {
    const gate = createGate<string>();
    const server = await startServer({ router: createRouter(gate) });
    const other = await startServer({ router: createRouter() });
    let { url } = server;
    const client = closing(createClient<Router>({ url: () => url, backoff: { baseMs: 1, maxMs: 4 }, random: () => 0 }));
    const slow = client.slow.mutate();
    await client.ping.query();
    const closed = server.close();
    ({ url } = other);
    expect(await client.ping.query()).toBe("pong");
    expect([server.connections, other.connections]).toEqual([1, 1]);
    gate.open("done");
    expect(await slow).toBe("done");
    await closed;
    expect(client.connection.state.status).toBe("online");
  });

  it("has a client make a call again that was declined: it is run once, by the other server", async () => {
    const gate = createGate<string>();
    const started: string[] = [];
    const router = (name: string) =>
      t.router({
        slow: t.procedure.mutation(() => gate.opened),
        add: t.procedure.mutation(() => started.push(name)),
        news: t.procedure.subscription(async function* ({ signal }) {
          yield name;
          await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        }),
      });
    const server = await startServer({ router: router("the one that goes") });
    const other = await startServer({ router: router("the other") });
    let { url } = server;
    const tap = createTap();
    const { WebSocket } = tap;
    const options = { url: () => url, WebSocket, backoff: { baseMs: 1, maxMs: 4 }, random: () => 0 };
    const client = closing(createClient<ReturnType<typeof router>>(options));
    const items: string[] = [];
    client.news.subscribe(undefined, { onData: (item) => items.push(item) });
    const slow = client.slow.mutate();
    await until("it has an item", () => items.length === 1);

    // What the server says is held back: the call is sent before goaway is known.
    tap.sockets[0]?.pause();
    const closed = server.close();
    ({ url } = other);
    const add = client.add.mutate();
    await turn();
    tap.sockets[0]?.resume();
    expect(await add).toBe(1);
    await until("the subscription has moved", () => items.length === 2);
    expect(started).toEqual(["the other"]);
    expect(items).toEqual(["the one that goes", "the other"]);
    gate.open("done");
    expect(await slow).toBe("done");
    await closed;
  });

  it("closes at once what has nothing in flight, and what has a subscription when drainMs is over", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const [idle, subscribed, silent] = [
      await openGreeted(server.url),
      await openGreeted(server.url),
      await openRaw(server.url),
    ];
    subscribed.send([12, 1, "ticks", {}]);
    await subscribed.message(23, 1);
    const closed = server.close({ drainMs: 1_000 });
    for (const raw of [idle, silent]) expect((await raw.closed).code).toBe(1001);
    await time.pass(999);
    expect(server.connections).toBe(1);
    await time.pass(1);
    expect((await subscribed.closed).code).toBe(1001);
    await closed;
  });

  it("closes at once a connection whose client has ended its subscriptions", async () => {
    const server = await startServer({ router: createRouter() });
    const raw = await openGreeted(server.url);
    raw.send([12, 1, "ticks", {}]);
    await raw.message(23, 1);
    const closed = server.close();
    await raw.message(6);
    raw.send([13, 1]);
    expect((await raw.closed).code).toBe(1001);
    await closed;
  });

  it("closes anyway when drainMs is over", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const client = closing(createClient<Router>({ url: server.url }));
    const slow = rejection(client.slow.mutate());
    await client.ping.query();

    let closed = false;
    const close = server.close({ drainMs: 1_000 }).then(() => {
      closed = true;
    });
    await time.pass(999);
    expect({ closed, connections: server.connections }).toEqual({ closed: false, connections: 1 });

    await time.pass(1);
    expect(await slow).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    await close;
  });

  it("waits five seconds by default", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "slow", {}], [10, 2, "ping", {}]);
    await raw.message(20, 2);
    const closed = server.close();
    await time.pass(4_999);
    raw.send([10, 3, "ping", {}]);
    await raw.message(27, 3);
    await time.pass(1);
    expect((await raw.closed).code).toBe(1001);
    await closed;
  });

  it("cuts a client that does not answer nor say goodbye, five seconds after its time to drain", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const raw = await openGreeted(server.url);
    raw.socket.pause();
    const closed = server.close({ drainMs: 1_000 });
    await time.pass(1_000);
    await time.pass(5_000);
    await closed;
    expect(server.connections).toBe(0);
    raw.socket.resume();
  });

  it("may be called twice", async () => {
    const server = await startServer({ router: createRouter() });
    await openGreeted(server.url);
    await Promise.all([server.close(), server.close({ drainMs: 0 })]);
    await server.close();
    expect(server.connections).toBe(0);
  });
});
