import { describe, expect, it } from "vitest";
import { cleanUpAfterEach } from "./fixture/cleanup.ts";
import { askToUpgrade } from "./fixture/handshake.ts";
import { createRouter } from "./fixture/ping-router.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

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

  it("are refused by what the types do not let through: a promise, also one that rejects, and a text", async () => {
    const statusOf = async (allowedOrigins: unknown, origin: string): Promise<number> => {
      const { url } = await startServer({ router: createRouter(), allowedOrigins: allowedOrigins as "*" });
      return (await askToUpgrade(url, { origin })).status;
    };
    expect(await statusOf(() => Promise.resolve(true), "https://app.example")).toBe(403);
    expect(await statusOf(() => Promise.reject(new Error("no")), "https://app.example")).toBe(403);
    expect(await statusOf("https://app.example", "https://app.ex")).toBe(403);
    expect(await statusOf("https://app.example", "https://app.example")).toBe(403);
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
