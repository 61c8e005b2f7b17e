import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launchChromium } from "../fixture/browser.ts";
import { Program } from "./program.ts";
import { Visitor } from "./visitor.ts";

describe.skipIf(!hasChromium)("the chat in Chromium", { timeout: 60_000 }, () => {
  let server: Program;
  let url: string;
  let browser: Browser;
  let visitors: Visitor[] = [];

  beforeAll(async () => {
    // Where the page's sources have changed, the program builds it before it listens.
    server = Program.run("chat/server/main.ts", { env: { PORT: "0" } });
    [url] = await server.line(/http:\S+/);
    browser = await launchChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    expect(await server.stop()).toBe(0);
    expect(server.errors).toBe("");
  }, 30_000);

  afterEach(async () => {
    const problems = visitors.flatMap((visitor) => visitor.problems);
    for (const visitor of visitors) await visitor.leave();
    visitors = [];
    expect(problems).toEqual([]);
  });

  async function join(
    name: string,
    room = "lobby",
    options: Parameters<typeof Visitor.join>[3] = {},
  ): Promise<Visitor> {
    const visitor = await Visitor.join(browser, `${url}/#${room}`, name, options);
    visitors.push(visitor);
    return visitor;
  }

  it("carries messages between two people, both ways, and shows them to whoever comes later", async () => {
    const ada = await join("Ada");
    const grace = await join("Grace");
    await ada.write("Is anybody here?");
    await grace.sees("Is anybody here?");
    await grace.write("I am, says <b>Grace</b>.");
    await ada.sees("I am, says <b>Grace</b>.");
    await ada.write("Two lines:\nthis is the second");

    const expected = ["Is anybody here?", "I am, says <b>Grace</b>.", "Two lines:\nthis is the second"];
    const later = await join("Linus");
    for (const visitor of [ada, grace, later]) expect(await visitor.messages("second")).toEqual(expected);
  });

  it("keeps what is said in one room out of another", async () => {
    const ada = await join("Ada", "harbour");
    const grace = await join("Grace", "workshop");
    await grace.write("Only in the workshop");
    await ada.write("Only in the harbour");
    expect(await grace.messages("workshop")).toEqual(["Only in the workshop"]);
    expect(await ada.messages("harbour")).toEqual(["Only in the harbour"]);
    await ada.page.getByRole("link", { name: "workshop" }).click();
    expect(await ada.messages("workshop")).toEqual(["Only in the workshop"]);
  });

  it("enters the lobby where the address names no room", async () => {
    const ada = await join("Ada", "100%");
    await ada.page.getByRole("heading", { name: "lobby" }).waitFor();
    await ada.page.evaluate(() => void (location.hash = "#harbour"));
    await ada.page.getByRole("heading", { name: "harbour" }).waitFor();
    await ada.page.evaluate(() => void (location.hash = "#%"));
    await ada.page.getByRole("heading", { name: "lobby" }).waitFor();
    expect(await ada.page.title()).toBe("lobby · Tautline chat");
  });

  it("shows who is typing, until the message is there or given up", async () => {
    const ada = await join("Ada");
    const grace = await join("Grace");
    await ada.typesUntil(grace.sees("Ada is typing…"));
    await grace.typesUntil(ada.sees("Grace is typing…"));
    await ada.write("Hello");
    expect(await grace.messages("Hello")).toContain("Hello");
    await grace.page.getByText("Ada is typing…").waitFor({ state: "detached" });
    await grace.page.getByRole("textbox", { name: "Message" }).fill("");
    await ada.page.getByText("Grace is typing…").waitFor({ state: "detached" });
  });

  it("counts the connections as they come and go", async () => {
    const ada = await join("Ada");
    await ada.counts(1);
    const grace = await join("Grace");
    await ada.counts(2);
    await grace.counts(2);
    const graceIsHere = ada.page.getByRole("region", { name: "Here now" }).getByText("Grace");
    await graceIsHere.waitFor();
    await grace.page.close();
    await ada.counts(1);
    expect(await graceIsHere.count()).toBe(0);
  });

  it("gives every tab a name of its own, and knows a tab again that is loaded anew", async () => {
    const ada = await join("Ada");
    const tab = await ada.openTab(url);
    await tab.getByText("You are here in another tab already.").waitFor();
    await tab.getByRole("textbox", { name: "Your name" }).fill("Ada's other self");
    await tab.keyboard.press("Enter");
    await ada.counts(2);
    await ada.page.reload();
    await ada.isOnline();
    await tab.reload();
    await ada.counts(2);
    const names = ada.page.getByRole("region", { name: "Here now" }).getByRole("listitem");
    await names.getByText("Ada's other self").waitFor();
    expect((await names.allTextContents()).toSorted()).toEqual(["AAdayou", "ASAda's other self"]);
  });

  it("lets one change one's name, or leave it when asked", async () => {
    const ada = await join("Ada");
    const grace = await join("Grace");
    for (const name of ["Nobody", "Countess"]) {
      await ada.page.getByRole("button", { name: "Ada, change your name" }).click();
      await ada.page.getByRole("textbox", { name: "Your name" }).fill(name);
      await ada.page.keyboard.press(name === "Nobody" ? "Escape" : "Enter");
    }
    await ada.page.getByRole("button", { name: "Countess, change your name" }).waitFor();
    const names = grace.page.getByRole("region", { name: "Here now" }).locator(".person-name");
    await names.getByText("Countess").waitFor();
    expect(await names.allTextContents()).toEqual(["Grace", "Countess"]);
  });

  it("loses and doubles nothing while the network is away", async () => {
    const ada = await join("Ada", "harbour");
    const grace = await join("Grace", "harbour");
    await grace.write("one");
    await ada.messages("one");
    await ada.goOffline();
    await ada.sees("Offline");
    await grace.write("two");
    await grace.write("three");
    await grace.messages("three");
    await ada.write("four");
    await ada.sees("Sending…");
    await ada.goOnline();
    await ada.isOnline();
    for (const visitor of [ada, grace]) {
      expect((await visitor.messages("four")).slice(-4)).toEqual(["one", "two", "three", "four"]);
    }
    expect(await ada.page.locator(".outgoing .message").count()).toBe(0);
    // Chromium reports each attempt to connect while there is no network.
    visitors = visitors.filter((visitor) => visitor !== ada);
    expect(ada.problems.filter((problem) => !problem.includes("ERR_INTERNET_DISCONNECTED"))).toEqual([]);
    await ada.leave();
  });

  it("cuts its connection when asked to, shows what waits, and loses and doubles nothing", async () => {
    const ada = await join("Ada", "workshop");
    const grace = await join("Grace", "workshop");
    await ada.write("before the cut");
    await grace.messages("before the cut");
    for (const round of ["first", "second"]) {
      await ada.page.getByRole("button", { name: "Cut the connection" }).click();
      await ada.sees(/^Reconnecting/);
      await ada.write(`${round}: written while cut`);
      await ada.sees("1 message waits");
      await ada.write(`${round}: and another`);
      await ada.sees("2 messages wait");
      await grace.write(`${round}: meanwhile`);
      await grace.messages(`${round}: meanwhile`);
      await ada.page.getByRole("button", { name: /^Mend it/ }).click();
      await ada.isOnline();
      await ada.messages(`${round}: and another`);
      await grace.messages(`${round}: and another`);
    }
    await ada.page.getByText(/messages? waits?/).waitFor({ state: "hidden" });
    expect(await ada.page.getByText("Sending…").count()).toBe(0);
    const ofRound = (round: string): string[] =>
      ["meanwhile", "written while cut", "and another"].map((text) => `${round}: ${text}`);
    const expected = ["before the cut", ...ofRound("first"), ...ofRound("second")];
    for (const visitor of [ada, grace]) {
      const heard = await visitor.messages("second: and another");
      expect(heard.slice(heard.indexOf("before the cut"))).toEqual(expected);
    }
  });

  it("finds a server again that was stopped and started, and says which room went with it", async () => {
    const first = Program.run("chat/server/main.ts", { env: { PORT: "0" } });
    const [address = ""] = await first.line(/http:\S+/);
    const ada = await Visitor.join(browser, `${address}/#night-watch`, "Ada");
    await ada.page.getByRole("button", { name: "Create it" }).click();
    await ada.write("Before");
    expect(await ada.messages("Before")).toEqual(["Before"]);

    const grace = await Visitor.join(browser, `${address}/#lobby`, "Grace");
    expect(await first.stop()).toBe(0);
    for (const visitor of [ada, grace]) await visitor.sees(/^Reconnecting/);
    await grace.write("While there was no server");
    await grace.sees("1 message waits");
    const second = Program.run("chat/server/main.ts", { env: { PORT: new URL(address).port } });
    expect((await second.line(/http:\S+/))[0]).toBe(address);
    for (const visitor of [ada, grace]) await visitor.wake();
    await ada.page.getByText("There is no room called night-watch").waitFor();
    await grace.messages("While there was no server");
    await ada.page.getByRole("link", { name: "lobby" }).click();
    await ada.write("After");
    for (const visitor of [ada, grace]) {
      expect(await visitor.messages("After")).toEqual(["While there was no server", "After"]);
      await visitor.leave();
    }
    await second.stop();
  });

  it("listens on a free port where the one it was given is taken", async () => {
    const other = Program.run("chat/server/main.ts", { env: { PORT: new URL(url).port } });
    const [address] = await other.line(/http:\S+/);
    expect(address).not.toBe(url);
    expect((await fetch(address)).status).toBe(200);
    await other.stop();
  });

  it("can be used with the keyboard alone", async () => {
    const ada = await join("Ada");
    const { page } = ada;
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const element = document.activeElement;
        return (
          element?.ariaLabel ??
          (element instanceof HTMLTextAreaElement ? "Message" : (element?.textContent ?? "").trim())
        );
      });
    const startAtTheTop = (): Promise<void> =>
      page.evaluate(() => {
        document.body.tabIndex = -1;
        document.body.focus();
      });
    await page.reload();
    await ada.isOnline();
    expect(await focused()).toBe("Message");

    await startAtTheTop();
    const order: string[] = [];
    for (let presses = 0; presses < 4; presses++) {
      await page.keyboard.press("Tab");
      order.push(await focused());
    }
    expect(order).toEqual(["Skip to writing a message", "lobby", "harbour", "workshop"]);
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).toBe("solid");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "workshop" }).waitFor();
    expect(await focused()).toBe("Message");

    await page.keyboard.type("first");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("second");
    await page.keyboard.press("Enter");
    await page.getByText("first\nsecond").waitFor();

    await startAtTheTop();
    for (const _ of ["skip", "lobby", "harbour", "workshop", "new room"]) await page.keyboard.press("Tab");
    await page.keyboard.type("Night Watch");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "night-watch" }).waitFor();
    await page.getByText("It is quiet in night-watch").waitFor();
  });

  it("opens its rooms as a drawer on a narrow screen, and Escape closes it", async () => {
    const ada = await join("Ada", "lobby", { viewport: { width: 390, height: 780 } });
    const { page } = ada;
    const rooms = page.getByRole("complementary", { name: "Rooms and people" });
    await rooms.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Rooms and people" }).press("Enter");
    await rooms.waitFor({ state: "visible" });
    await page.keyboard.press("Escape");
    await rooms.waitFor({ state: "hidden" });
    const opener = page.getByRole("button", { name: "Rooms and people" });
    expect(await opener.evaluate((element) => element === document.activeElement)).toBe(true);
    const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBe(390);
    await page.getByRole("button", { name: "Cut the connection" }).click();
    await ada.write("written on a narrow screen");
    await ada.sees("1 message waits");
    expect(await width()).toBe(390);
    await page.getByRole("button", { name: /^Mend it/ }).click();
    await ada.messages("written on a narrow screen");
  });

  it("is light or dark as the reader's system is, or as they choose", async () => {
    const ada = await join("Ada", "lobby", { colorScheme: "dark" });
    const { page } = ada;
    /** 0 is black, 1 is white. */
    const lightness = (property: "backgroundColor" | "color"): Promise<number> =>
      page.evaluate((name) => Number(/[\d.]+/.exec(getComputedStyle(document.documentElement)[name])?.[0]), property);
    expect(await lightness("backgroundColor")).toBeLessThan(0.3);
    expect(await lightness("color")).toBeGreaterThan(0.8);
    await page.emulateMedia({ colorScheme: "light" });
    expect(await lightness("backgroundColor")).toBeGreaterThan(0.9);

    await page.getByRole("button", { name: "Theme: system" }).click();
    await page.getByRole("button", { name: "Theme: light" }).click();
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
    expect(await lightness("backgroundColor")).toBeLessThan(0.3);
    await page.reload();
    await ada.isOnline();
    expect(await lightness("backgroundColor")).toBeLessThan(0.3);
  });

  it("answers what it does not have with 404, and stays within its folder", async () => {
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/..%2f..%2fpackage.json`)).status).toBe(404);
    expect((await fetch(`${url}/%2e%2e/package.json`)).status).toBe(404);
  });
});
