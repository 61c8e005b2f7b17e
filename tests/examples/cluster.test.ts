import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasRedis } from "../../packages/redis/testing/redis-server.ts";
import { hasChromium, launchChromium } from "../fixture/browser.ts";
import { Program } from "./program.ts";
import { Visitor } from "./visitor.ts";

describe("the cluster", () => {
  it("says what is missing where there is no redis-server", { timeout: 120_000 }, async () => {
    const cluster = Program.run("cluster/main.ts", { env: { PATH: "" } });
    expect(await cluster.ended()).toBe(1);
    expect(cluster.errors).toContain("There is no redis-server on this machine.");
  });
});

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
      const name = await victim.page.locator(".node-name").textContent();
      await victim.page.getByRole("button", { name: /^Kill node/ }).click();
      await cluster.line(new RegExp(`^${name?.replace("Served by ", "")} has died`));
      await says(ada, `${round}: Ada, after a death`);
      await says(grace, `${round}: Grace, after a death`);
      await victim.page
        .locator(".node-name")
        .filter({ hasNotText: name ?? "" })
        .waitFor();
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
