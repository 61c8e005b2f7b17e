import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect as connectTcp } from "node:net";
import { createClient } from "@tautline/client";
import { serve, type TautlineServer } from "@tautline/server";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { ask, askToUpgrade, handshakeHeaders } from "./fixture/handshake.ts";
import { createRouter, type Router } from "./fixture/ping-router.ts";
import { openGreeted, openRaw } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

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

  it.each(["rpc", "/rpc?v=1", "/a b", "//rpc", ""])("has no path that clients cannot ask for: %s", async (path) => {
    await expect(startServer({ router: createRouter(), path })).rejects.toThrow("clients cannot ask for");
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

  it("has one server on a path, and the next one there while that one drains", async () => {
    const gate = createGate<string>();
    const http = createServer();
    const port = await startHttp(http);
    const first = await startServer({ router: createRouter(gate), server: http, path: "/rpc" });
    await expect(startServer({ router: createRouter(), server: http, path: "/rpc" })).rejects.toThrow(
      'another server has "/rpc"',
    );
    const raw = await openGreeted(`ws://127.0.0.1:${port}/rpc`);
    raw.send([11, 1, "slow", {}], [10, 2, "ping", {}]);
    await raw.message(20, 2);
    const closed = first.close();
    const second = await startServer({ router: createRouter(), server: http, path: "/rpc" });
    const client = closing(createClient<Router>({ url: second.url }));
    expect(await client.ping.query()).toBe("pong");
    gate.open("done");
    expect(await raw.message(20, 1)).toEqual([20, 1, "done"]);
    await closed;
    expect([first.connections, second.connections, http.listenerCount("upgrade")]).toEqual([0, 1, 1]);
  });

  it("leaves no upgrade hanging that nobody takes", async () => {
    const { base } = await share();
    expect((await askToUpgrade(`${base}/nobody`)).status).toBe(404);
  });

  it("may be shared by several, and none leaves an upgrade hanging that nobody takes", async () => {
    const http = createServer();
    const port = await startHttp(http);
    const options = { router: createRouter(), server: http, helloTimeoutMs: 50 };
    await startServer({ ...options, path: "/a" });
    const second = await startServer({ ...options, path: "/b" });
    const statusOf = async (path: string): Promise<number> =>
      (await askToUpgrade(`ws://127.0.0.1:${port}${path}`)).status;
    expect([await statusOf("/a"), await statusOf("/b"), await statusOf("/nobody")]).toEqual([101, 101, 404]);
    const raw = await openGreeted(second.url);
    raw.send([10, 1, "ping", {}]);
    await raw.message(20, 1);
    // Those that somebody has taken go on.
    expect(await statusOf("/nobody")).toBe(404);
    raw.send([10, 2, "ping", {}]);
    await raw.message(20, 2);
  });

  it("survives a client that is reset while nobody has taken its upgrade", async () => {
    const http = createServer();
    const port = await startHttp(http);
    for (const path of ["/a", "/b"]) await startServer({ router: createRouter(), server: http, path });
    const gone = new Promise((resolve) => http.once("upgrade", (_request, stream) => stream.once("close", resolve)));
    const socket = connectTcp(port, "127.0.0.1", () =>
      socket.write("GET /nobody HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    );
    http.once("upgrade", () => socket.resetAndDestroy());
    await gone;
    expect((await askToUpgrade(`ws://127.0.0.1:${port}/a`)).status).toBe(101);
  });

  it("may speak TLS, as the URL says", async () => {
    const { url } = await startServer({ router: createRouter(), server: createTlsServer(), path: "/rpc" });
    expect(new URL(url).protocol).toBe("wss:");
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
