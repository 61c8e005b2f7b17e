import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Dialog, type Page } from "playwright-core";
import type {} from "./page.ts";
import type { Way } from "./reading.ts";

const executablePath = "/usr/bin/chromium";

export const hasChromium: boolean = existsSync(executablePath);

/** A page that reads, in a Chromium of its own. */
export class PageClient {
  readonly #browser: Browser;
  readonly #page: Page;
  #dialog: Dialog | undefined = undefined;

  static async start(port: number): Promise<PageClient> {
    const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
    const page = await browser.newPage();
    await page.evaluate((url) => {
      globalThis.stalledUrl = url;
    }, `ws://127.0.0.1:${port}`);
    await page.addScriptTag({ path: fileURLToPath(new URL("page.js", import.meta.url)), type: "module" });
    await page.waitForFunction(() => "stalled" in globalThis);
    return new PageClient(browser, page);
  }

  constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
    page.on("dialog", (dialog) => {
      this.#dialog = dialog;
    });
  }

  warm(way: Way): Promise<void> {
    return this.#page.evaluate((task) => globalThis.stalled.warm(task), { way });
  }

  begin(way: Way): Promise<void> {
    return this.#page.evaluate((task) => globalThis.stalled.begin(task), { way });
  }

  stop(): Promise<void> {
    return this.#page.evaluate(() => globalThis.stalled.stop());
  }

  /** Nothing of the page's runs until it goes on: a dialog is open. */
  async block(): Promise<void> {
    await this.#page.evaluate(() => {
      setTimeout(() => alert("held"), 0);
    });
    while (this.#dialog === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async goOn(more: number): Promise<number> {
    await this.#dialog?.accept();
    return await this.#page.evaluate((task) => globalThis.stalled.goOn(task), { more });
  }

  progress(): Promise<number> {
    return this.#page.evaluate(() => globalThis.stalled.progress());
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
