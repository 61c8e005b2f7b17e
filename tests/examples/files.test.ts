import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launchChromium } from "../fixture/browser.ts";
import { afterTest, cleanUpAfterEach } from "../fixture/cleanup.ts";
import { startTcpProxy, type TcpProxy } from "../fixture/tcp-proxy.ts";
import { FileVisitor } from "./file-visitor.ts";
import { Program } from "./program.ts";

const megabyte = 1024 * 1024;

describe.skipIf(!hasChromium)("the files in Chromium", { timeout: 120_000 }, () => {
  cleanUpAfterEach();
  let server: Program;
  let url: string;
  let browser: Browser;

  beforeAll(async () => {
    // Where the page's sources have changed, the program builds it before it listens.
    server = Program.run("files/server/main.ts", { env: { PORT: "0", HOST: "127.0.0.1" } });
    [url] = await server.line(/http:\S+/);
    browser = await launchChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    expect(await server.stop()).toBe(0);
    expect(server.errors).toBe("");
  }, 30_000);

  /** The page by way of a proxy that can cut its connections. */
  async function open(): Promise<{ visitor: FileVisitor; proxy: TcpProxy }> {
    const proxy = await startTcpProxy(url);
    const visitor = await FileVisitor.open(browser, proxy.url);
    afterTest(async () => {
      await visitor.leave();
      expect(visitor.problems).toEqual([]);
    });
    return { visitor, proxy };
  }

  it("takes 100 MB up and down through connections that are cut in the middle, and both ends have the same", async ({
    annotate,
  }) => {
    const { visitor, proxy } = await open();
    const name = "large.bin";
    const started = performance.now();
    const hash = await visitor.choose(name, 100 * megabyte);
    const before = await visitor.memory();
    await visitor.isAt(0.4);
    proxy.cut();
    await visitor.isOver(name, "Uploaded");
    expect(await visitor.hashes(name)).toEqual({ here: hash, there: hash, verdict: "Equal" });
    const up = await visitor.takeSamples();
    const afterUp = performance.now();

    await visitor.download(name);
    await visitor.isAt(0.4);
    await visitor.page.getByRole("button", { name: "Cut the connection" }).click();
    await visitor.page.getByRole("button", { name: /^Mend it/ }).click();
    await visitor.isOver(name, "Downloaded");
    const memory = await visitor.memory();
    expect(await visitor.hashes(name)).toEqual({ here: hash, there: hash, verdict: "Equal" });
    const down = await visitor.takeSamples();
    expect(await visitor.savedHash(name)).toBe(hash);

    for (const samples of [up, down]) {
      expect(samples.length).toBeGreaterThan(50);
      expect(samples).toEqual(samples.toSorted((a, b) => a - b));
      expect(samples.at(-1)).toBe(1);
    }
    const passed = proxy.connections.map((connection) => connection.passed);
    await annotate(
      JSON.stringify({
        upMs: Math.round(afterUp - started),
        downMs: Math.round(performance.now() - afterUp),
        before,
        memory,
        samples: [up.length, down.length],
        passed,
      }),
    );
  });
});
