import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

  it("go up and down through connections that are cut in the middle, 100 MB each way, and both ends have the same", async ({
    annotate,
  }) => {
    const { visitor, proxy } = await open();
    const name = "large.bin";
    const hash = await visitor.choose(name, 100 * megabyte);
    await visitor.isAt(0.4);
    proxy.cut();
    await visitor.isIn(name, "Uploaded");
    expect(await visitor.hashes(name)).toEqual({ here: hash, there: hash, verdict: "Equal" });
    const up = await visitor.takeSamples();

    await visitor.download(name);
    await visitor.isAt(0.4);
    await visitor.cutUntilItReconnects();
    await visitor.isIn(name, "Downloaded");
    const memoryBytes = await visitor.memoryBytes();
    expect(await visitor.hashes(name)).toEqual({ here: hash, there: hash, verdict: "Equal" });
    const down = await visitor.takeSamples();
    expect(await visitor.savedHash(name)).toBe(hash);

    for (const samples of [up, down]) {
      expect(samples.length).toBeGreaterThan(50);
      expect(samples).toEqual(samples.toSorted((a, b) => a - b));
      expect([(samples[0] ?? 1) < 0.1, samples.at(-1)]).toEqual([true, 1]);
    }
    const carriers = proxy.connections.map(({ passed }) => passed);
    expect(carriers.filter((passed) => passed.up > 20 * megabyte)).toHaveLength(2);
    expect(carriers.filter((passed) => passed.down > 20 * megabyte)).toHaveLength(2);
    await annotate(JSON.stringify({ samples: [up.length, down.length], memoryBytes, carriers }));
    expect(memoryBytes).toBeLessThan(50 * megabyte);
  });

  it("stand still while they are paused, and others pass them", async () => {
    const { visitor } = await open();
    const name = "paused.bin";
    const hash = await visitor.choose(name, 20 * megabyte);
    for (const direction of ["Uploaded", "Downloaded"]) {
      await visitor.isAt(0.2);
      await visitor.press(`Pause ${name}`);
      await visitor.isIn(name, "Paused");
      await visitor.uploadsSmall(`${direction}-1.bin`);
      const before = await visitor.progress(name);
      await visitor.uploadsSmall(`${direction}-2.bin`);
      expect(await visitor.progress(name)).toBe(before);
      expect(before).toBeLessThan(1);
      await visitor.press(`Resume ${name}`);
      await visitor.isIn(name, direction);
      expect(await visitor.hashes(name)).toEqual({ here: hash, there: hash, verdict: "Equal" });
      if (direction === "Uploaded") await visitor.download(name);
    }
  });

  it("are given up where they are cancelled, and leave nothing on the server", async () => {
    const { visitor } = await open();
    const name = "cancelled.bin";
    await visitor.choose(name, 50 * megabyte);
    await visitor.isAt(0.1);
    await visitor.press(`Cancel ${name}`);
    await visitor.isIn(name, "Cancelled");
    await visitor.uploadsSmall("after.bin");
    expect(await visitor.stored(name).count()).toBe(0);
    await visitor.press(`Dismiss ${name}`);
    expect(await visitor.transfer(name).count()).toBe(0);

    await visitor.download("after.bin");
    await visitor.isIn("after.bin", "Downloaded");
  });

  it("are refused where they are too large, in words", async () => {
    const { visitor } = await open();
    await visitor.page.evaluate(() => {
      const chosen = new DataTransfer();
      const part = new Blob([new Uint8Array(64 * 1024 * 1024)]);
      chosen.items.add(new File(Array<Blob>(9).fill(part), "enormous.bin"));
      const input = document.querySelector<HTMLInputElement>("#file");
      if (input === null) return;
      input.files = chosen.files;
      input.dispatchEvent(new Event("change"));
    });
    await visitor.isIn("enormous.bin", "Failed: It has more than 536.9 MB");
  });

  it("can be removed, and are gone for everybody", async () => {
    const { visitor } = await open();
    const { visitor: other } = await open();
    await visitor.uploadsSmall("removed.bin");
    await other.page.reload();
    await other.stored("removed.bin").waitFor();
    await visitor.press("Remove removed.bin");
    await visitor.stored("removed.bin").waitFor({ state: "detached" });
    await other.download("removed.bin");
    await other.isIn("removed.bin", "Failed: There is no such file any more");
  });

  it("are not shown any more where the server was started again without them", async () => {
    const first = Program.run("files/server/main.ts", { env: { PORT: "0", HOST: "127.0.0.1" } });
    const [address = ""] = await first.line(/http:\S+/);
    const visitor = await FileVisitor.open(browser, address);
    await visitor.uploadsSmall("before.bin");
    expect(await first.stop()).toBe(0);
    const second = Program.run("files/server/main.ts", { env: { PORT: new URL(address).port, HOST: "127.0.0.1" } });
    expect((await second.line(/http:\S+/))[0]).toBe(address);
    await visitor.stored("before.bin").waitFor({ state: "detached" });
    await visitor.leave();
    await second.stop();
  });

  it("fit on a narrow screen, hashes and all", async () => {
    const { visitor } = await open();
    await visitor.page.setViewportSize({ width: 390, height: 780 });
    await visitor.uploadsSmall(`${"a-very-long-name-".repeat(8)}.bin`);
    expect(await visitor.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });
});
