import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launchChromium } from "../fixture/browser.ts";
import type {} from "../fixture/bytes-page.ts";
import { afterTest, cleanUpAfterEach } from "../fixture/cleanup.ts";
import { echoes, echoRouter } from "../fixture/echo-router.ts";
import { bundlePage } from "../fixture/page-bundle.ts";
import { startServer } from "../fixture/server.ts";
import { startTcpProxy, type TcpProxy } from "../fixture/tcp-proxy.ts";

cleanUpAfterEach();

async function open(browser: Browser): Promise<{ page: Page; proxy: TcpProxy }> {
  const server = await startServer({ router: echoRouter, allowedOrigins: "*" });
  const proxy = await startTcpProxy(server.url);
  const context = await browser.newContext();
  afterTest(() => context.close());
  const page = await context.newPage();
  await page.evaluate((url) => Object.assign(window, { url }), proxy.url);
  await page.addScriptTag({ content: await bundlePage("bytes-page.ts") });
  return { page, proxy };
}

describe.skipIf(!hasChromium)("bytes in Chromium (skipped without /usr/bin/chromium)", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);

  afterAll(() => browser?.close());

  it("arrive as what they are, each kind, and as items", { timeout: 60_000 }, async () => {
    const { page } = await open(browser);
    expect(await page.evaluate(() => window.bytes.echoValues())).toEqual([]);
    expect(await page.evaluate(() => window.bytes.watch(100))).toBe(100);
    await page.evaluate(() => window.bytes.close());
  });

  it("come through whole, and once, where the connection is cut ten times meanwhile", { timeout: 60_000 }, async () => {
    const { page, proxy } = await open(browser);
    expect(await page.evaluate(() => window.bytes.echoValues())).toEqual([]);
    const before = echoes.started;
    const [rounds, runs, length] = [10, 8, 40_000];
    const watched = page.evaluate(() => window.bytes.watch(200));
    for (let round = 1; round <= rounds; round++) {
      const echoed = page.evaluate(([count, size]) => window.bytes.echoRuns(count, size), [runs, length] as const);
      proxy.cut(round % 2 === 0 ? "cut" : "reset");
      expect(await echoed).toBe(runs);
    }
    expect(await watched).toBe(200);
    expect(echoes.started - before).toBe(rounds * runs);
    const statuses = await page.evaluate(() => window.bytes.statuses);
    expect(statuses.filter((status) => status === "reconnecting").length).toBeGreaterThan(rounds / 2);
    await page.evaluate(() => window.bytes.close());
  });
});
