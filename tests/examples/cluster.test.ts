import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, launchChromium } from "../fixture/browser.ts";
import { hasRedis } from "../fixture/redis-server.ts";
import { Program } from "./program.ts";
import { Visitor } from "./visitor.ts";

describe("the cluster", () => {
  it("says what is missing where there is no redis-server", { timeout: 120_000 }, async () => {
    const cluster = Program.run("cluster/main.ts", { env: { PATH: "" } });
    expect(await cluster.ended()).toBe(1);
    expect(cluster.errors).toContain("There is no redis-server on this machine.");
  });
});

async function nodeOf({ page }: Visitor): Promise<string | null> {
  return await page.locator(".node-name").textContent();
}

/** Watches the page from now on: `done` when another node serves it. */
async function nextMove({ page }: Visitor): Promise<{ readonly done: Promise<void> }> {
  const tally = page.locator(".node-tally");
  const [moves = ""] = /, \d+ moves/.exec((await tally.textContent()) ?? "") ?? [];
  return { done: tally.filter({ hasNotText: moves }).waitFor() };
}

const isThere = hasChromium && hasRedis;

describe.skipIf(!isThere)("the cluster (skipped without redis-server or Chromium)", { timeout: 120_000 }, () => {
  let cluster: Program;
  let url: string;
  let browser: Browser;

  beforeAll(async () => {
    cluster = Program.run("cluster/main.ts", { env: { PORT: "0", HOST: "127.0.0.1" } });
    [url] = await cluster.line(/http:\S+/);
    browser = await launchChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    expect(await cluster.stop()).toBe(0);
    expect(cluster.errors).toBe("");
  }, 30_000);

  it("carries a chat through the death of one node after the other: nothing lost, nothing twice, nothing missed", async () => {
    const ada = await Visitor.join(browser, `${url}/#lobby`, "Ada");
    const grace = await Visitor.join(browser, `${url}/#lobby`, "Grace");
    for (const visitor of [ada, grace]) await visitor.counts(2);
    const expected: string[] = [];
    const says = async (visitor: Visitor, text: string): Promise<void> => {
      await visitor.write(text);
      expected.push(text);
      for (const each of [ada, grace]) await each.messages(text);
    };
    await says(ada, "all alive");
    for (const [round, victim] of [ada, grace, ada].entries()) {
      const name = await nodeOf(victim);
      const moved: Promise<void>[] = [];
      // Both may be there. Where one comes back to when the node is there again, its name is no news.
      for (const each of [ada, grace]) if ((await nodeOf(each)) === name) moved.push((await nextMove(each)).done);
      await victim.page.getByRole("button", { name: /^Kill node/ }).click();
      await says(ada, `${round}: Ada, about a death`);
      await says(grace, `${round}: Grace, about a death`);
      await Promise.all(moved);
    }
    for (const visitor of [ada, grace]) {
      expect(await visitor.messages(expected.at(-1) ?? "")).toEqual(expected);
      await visitor.page
        .locator(".node-tally")
        .filter({ hasText: `${expected.length} received, 0 missed` })
        .waitFor();
      // Chromium reports each attempt to connect that fails.
      expect(visitor.problems.filter((problem) => !/WebSocket/.test(problem))).toEqual([]);
    }
    for (const visitor of [ada, grace]) await visitor.leave();
  });

  it("has whichever node is next killed by a command, and lets those who come later read what was said before", async () => {
    const ada = await Visitor.join(browser, `${url}/#harbour`, "Ada");
    await ada.write("before");
    await ada.messages("before");
    const kill = Program.run("cluster/kill.ts", { args: [url] });
    const [, name = ""] = await kill.line(/^(node \d) is killed$/);
    expect(await kill.ended()).toBe(0);
    await cluster.line(new RegExp(`^${name} has died`));
    const later = await Visitor.join(browser, `${url}/#harbour`, "Grace");
    expect(await later.messages("before")).toEqual(["before"]);
    for (const visitor of [ada, later]) await visitor.leave();
  });
});
