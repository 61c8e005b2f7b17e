import type { Browser, BrowserContext, Page } from "playwright-core";

type ContextOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

/** Somebody in the chat: a browser of their own, with one page open. */
export class Visitor {
  readonly page: Page;
  /** What the page's console called an error, and what was thrown and not caught. */
  readonly problems: readonly string[];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page, problems: readonly string[]) {
    this.#context = context;
    this.page = page;
    this.problems = problems;
  }

  /** Opens the page, says a name where it asks for one, and waits until it is connected. */
  static async join(browser: Browser, url: string, name: string, options: ContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext(options);
    await context.addInitScript(keepSockets);
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(url);
    const visitor = new Visitor(context, page, problems);
    await visitor.introduce(name);
    return visitor;
  }

  async introduce(name: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Your name" }).fill(name);
    await this.page.keyboard.press("Enter");
    await this.isOnline();
  }

  async isOnline(): Promise<void> {
    await this.page.getByRole("status").getByText("Online", { exact: true }).waitFor({ state: "attached" });
  }

  async write(text: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Message" }).fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Waits until a text is to be seen. */
  async sees(text: string | RegExp): Promise<void> {
    await this.page
      .getByText(text, typeof text === "string" ? { exact: true } : {})
      .first()
      .waitFor();
  }

  /** Waits until the count of connections is as given. */
  async counts(connections: number): Promise<void> {
    await this.page
      .getByLabel("Connections")
      .filter({ hasText: new RegExp(`^${connections}$`) })
      .waitFor();
  }

  /** Waits for the last of them, and gives the texts of all messages that the server has confirmed, in order. */
  async messages(last: string): Promise<string[]> {
    const texts = this.page.locator(".messages:not(.outgoing) .message-text");
    await texts.filter({ hasText: last }).first().waitFor();
    return texts.allTextContents();
  }

  /** Another tab of the same browser. */
  async openTab(url: string): Promise<Page> {
    const page = await this.#context.newPage();
    await page.goto(url);
    return page;
  }

  /** Takes the network away: the socket breaks, and no other one opens. */
  async goOffline(): Promise<void> {
    await this.#context.setOffline(true);
    await this.page.evaluate(() => {
      for (const socket of (globalThis as unknown as { sockets: WebSocket[] }).sockets) socket.close();
    });
  }

  async goOnline(): Promise<void> {
    await this.#context.setOffline(false);
  }

  /** Says that the network is there again, as a browser does: the page need not wait for its next attempt. */
  async wake(): Promise<void> {
    await this.page.evaluate(() => dispatchEvent(new Event("online")));
  }

  /** Leaves the page before the browser goes: the server hears a goodbye, and does not expect the session back. */
  async leave(): Promise<void> {
    for (const page of this.#context.pages()) await page.goto("about:blank");
    await this.#context.close();
  }

  /** Types until something has come of it, however slow the machine. */
  async typesUntil(done: Promise<void>): Promise<void> {
    let isDone = false;
    const finished = done.finally(() => {
      isDone = true;
    });
    while (!isDone) await this.page.keyboard.type("H");
    await finished;
  }
}

/** Runs in the page: Chromium's offline mode leaves open sockets alone, so the test has to hold of them. */
function keepSockets(): void {
  const sockets: WebSocket[] = [];
  Object.assign(globalThis, { sockets });
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      sockets.push(this);
    }
  };
}
