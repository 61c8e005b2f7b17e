import type { Browser, BrowserContext, Locator, Page } from "playwright-core";

/** Somebody with the files' page open, in a browser of their own. */
export class FileVisitor {
  readonly page: Page;
  /** What the page's console called an error, and what was thrown and not caught. */
  readonly problems: readonly string[];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page, problems: readonly string[]) {
    this.#context = context;
    this.page = page;
    this.problems = problems;
  }

  static async open(browser: Browser, url: string): Promise<FileVisitor> {
    const context = await browser.newContext();
    await context.addInitScript(keepSamples);
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(url);
    const visitor = new FileVisitor(context, page, problems);
    await visitor.isOnline();
    return visitor;
  }

  async isOnline(): Promise<void> {
    await this.page.getByRole("status").getByText("Online", { exact: true }).waitFor({ state: "attached" });
  }

  /** Chooses a file of so many bytes, which depend on its name alone. Returns the SHA-256 that the browser itself makes of it. */
  choose(name: string, bytes: number): Promise<string> {
    return this.page.evaluate(chooseFile, { name, bytes });
  }

  /** What the page shows of a file's newest transfer. */
  transfer(name: string): Locator {
    return this.page.locator(".transfer").filter({ hasText: name }).first();
  }

  stored(name: string): Locator {
    return this.page.locator(".stored-file").filter({ hasText: name });
  }

  /** Presses a button with just this name. */
  async press(button: string): Promise<void> {
    await this.page.getByRole("button", { name: button, exact: true }).click();
  }

  async download(name: string): Promise<void> {
    await this.press(`Download ${name}`);
  }

  /** Uploads a file of 1,000 bytes from beginning to end. */
  async uploadsSmall(name: string): Promise<void> {
    await this.choose(name, 1_000);
    await this.isIn(name, "Uploaded");
    await this.stored(name).waitFor();
  }

  /** Presses the page's own button, and then has it come back at once. */
  async cutUntilItReconnects(): Promise<void> {
    await this.press("Cut the connection");
    await this.page
      .getByText(/^Reconnecting/)
      .first()
      .waitFor();
    await this.page.getByRole("button", { name: /^Mend it/ }).click();
  }

  /** Waits until so much of the newest transfer is there, a share of 1. */
  async isAt(share: number): Promise<void> {
    await this.page.waitForFunction(
      (least) => (document.querySelector<HTMLProgressElement>(".transfer progress")?.value ?? 0) >= least,
      share,
    );
  }

  /** Where the progress bar of a file's newest transfer stands, from 0 to 1. */
  progress(name: string): Promise<number> {
    return this.transfer(name)
      .getByRole("progressbar")
      .evaluate((bar) => (bar as HTMLProgressElement).value);
  }

  /** Waits until a file's newest transfer says that it is in a state. */
  async isIn(name: string, state: string): Promise<void> {
    await this.transfer(name).locator(".transfer-state").getByText(state, { exact: true }).waitFor();
  }

  /** Both hashes that the page shows of a transfer, and what it says of them. */
  async hashes(name: string): Promise<{ here: string; there: string; verdict: string }> {
    const row = this.transfer(name);
    const text = async (selector: string): Promise<string> => (await row.locator(selector).textContent()) ?? "";
    return { here: await text(".hash-here"), there: await text(".hash-there"), verdict: await text(".verdict") };
  }

  /** Where the progress bars have stood since this was last asked, in the order in which they did. */
  takeSamples(): Promise<number[]> {
    return this.page.evaluate(() => {
      const { samples } = window as unknown as { samples: number[] };
      return samples.splice(0);
    });
  }

  /** The SHA-256 of what the page would save. */
  savedHash(name: string): Promise<string> {
    return this.page.getByRole("link", { name: `Save ${name}` }).evaluate(async (link) => {
      const blob = await fetch((link as HTMLAnchorElement).href).then((response) => response.arrayBuffer());
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", blob));
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    });
  }

  /** What the page holds in memory, its buffers included, in bytes. */
  async memoryBytes(): Promise<number> {
    const session = await this.#context.newCDPSession(this.page);
    const usage = (await session.send("Runtime.getHeapUsage")) as Record<string, number>;
    await session.detach();
    return (usage["usedSize"] ?? 0) + (usage["backingStorageSize"] ?? 0);
  }

  async leave(): Promise<void> {
    await this.page.goto("about:blank");
    await this.#context.close();
  }
}

/** Runs in the page: writes down where each progress bar goes. */
function keepSamples(): void {
  const samples: number[] = [];
  Object.assign(window, { samples });
  const observer = new MutationObserver((records) => {
    for (const { target } of records) if (target instanceof HTMLProgressElement) samples.push(target.value);
  });
  observer.observe(document, { subtree: true, attributes: true, attributeFilter: ["value"] });
}

/** Runs in the page. */
async function chooseFile({ name, bytes }: { name: string; bytes: number }): Promise<string> {
  const words = new Uint32Array(bytes / 4);
  let state = 1;
  for (const letter of name) state = (state * 31 + letter.charCodeAt(0)) | 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", words));
  const chosen = new DataTransfer();
  chosen.items.add(new File([words], name));
  const input = document.querySelector<HTMLInputElement>("#file");
  if (input === null) throw new Error("the page has no place for files");
  input.files = chosen.files;
  input.dispatchEvent(new Event("change"));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
