import { findViolations, History } from "@tautline/core/testing";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launchChromium } from "../fixture/browser.ts";
import { afterTest, cleanUpAfterEach, until } from "../fixture/cleanup.ts";
import type {} from "../fixture/counting-page.ts";
import { createLoggedRouter } from "../fixture/logged-calls.ts";
import { bundlePage } from "../fixture/page-bundle.ts";
import { startServer } from "../fixture/server.ts";
import { startTcpProxy, type TcpProxy } from "../fixture/tcp-proxy.ts";

cleanUpAfterEach();

const rounds = 20;

/** A page that counts, and the network that can be taken from it. */
class Visit {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #proxy: TcpProxy;

  private constructor(context: BrowserContext, page: Page, proxy: TcpProxy) {
    this.#context = context;
    this.page = page;
    this.#proxy = proxy;
  }

  static async start(browser: Browser, serverUrl: string): Promise<Visit> {
    const proxy = await startTcpProxy(serverUrl);
    const context = await browser.newContext();
    afterTest(() => context.close());
    const page = await context.newPage();
    await page.evaluate((url) => Object.assign(window, { url }), proxy.url);
    await page.addScriptTag({ content: await bundlePage("counting-page.ts") });
    return new Visit(context, page, proxy);
  }

  /** Chromium's offline mode lets open sockets be, or holds what comes over them: the proxy has cut them by then. */
  async goOffline(): Promise<void> {
    this.#proxy.refuse(true);
    this.#proxy.cut();
    await this.page.waitForFunction(() => window.counting.statuses.at(-1) === "reconnecting");
    await this.#context.setOffline(true);
    await this.page.waitForFunction(() => !navigator.onLine);
  }

  async goOnline(): Promise<void> {
    this.#proxy.refuse(false);
    await this.#context.setOffline(false);
    await this.page.waitForFunction(() => window.counting.statuses.at(-1) === "online");
  }

  /** Waits until both subscriptions have gone on. */
  async countOn(): Promise<void> {
    const { count, log } = await this.page.evaluate(() => window.counting.items);
    await this.page.waitForFunction(
      ([counts, logs]) =>
        window.counting.items.count.length > counts + 2 && window.counting.items.log.length > logs + 2,
      [count.length, log.length] as const,
    );
  }
}

/** Makes a mutation in the page, and writes down what came of it. */
async function add(page: Page, history: History, call: string): Promise<void> {
  history.add("called", { call, client: "the page", kind: "mutation" });
  const outcome = await page.evaluate((name) => window.counting.add(name), call);
  history.add("settled", { call, ...outcome });
}

describe.skipIf(!hasChromium)("in Chromium (skipped without /usr/bin/chromium)", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);

  afterAll(() => browser?.close());

  it(`${rounds} times offline and online again: subscriptions and mutations lose and double nothing, and are back at once`, {
    timeout: 120_000,
  }, async ({ annotate }) => {
    const history = new History(performance);
    const server = await startServer({
      router: createLoggedRouter(history),
      createContext: ({ info }) => ({ client: info.connectionParams?.["client"] ?? "nobody" }),
      allowedOrigins: "*",
    });
    history.add("called", { call: "count", client: "the page", kind: "untracked" });
    history.add("called", { call: "log", client: "the page", kind: "tracked" });
    const visit = await Visit.start(browser, server.url);
    const { page } = visit;
    await visit.countOn();

    const calls: Promise<void>[] = [];
    const backAfterMs: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      calls.push(add(page, history, `mutation before round ${round}`));
      await visit.goOffline();
      expect(await page.evaluate(() => window.counting.retryInMs)).toBeGreaterThan(30_000);
      calls.push(add(page, history, `mutation while away in round ${round}`));
      await visit.goOnline();
      const { networkAt, onlineAt } = await page.evaluate(() => window.counting.times);
      backAfterMs.push(Math.round(onlineAt - networkAt));
      await visit.countOn();
    }
    await Promise.all(calls);

    const { items, errors } = await page.evaluate(() => window.counting);
    await page.evaluate(() => window.counting.close());
    const left = (): number => history.entries.filter(({ type }) => type === "left").length;
    await until("every handler has left", () => left() === 2 + 2 * rounds);
    for (const call of ["count", "log"] as const) {
      for (const item of items[call]) {
        if (item === "gap") history.add("gap", { call });
        else history.add("received", { call, run: item[0], position: item[1] });
      }
      history.add("settled", { call, outcome: "cancelled" });
    }
    await annotate(JSON.stringify({ items: items.count.length + items.log.length, backAfterMs }));
    expect(errors).toEqual([]);
    expect(findViolations(history)).toEqual([]);
    expect(Math.max(...backAfterMs)).toBeLessThan(5_000);
  });
});
