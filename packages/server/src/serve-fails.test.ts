import { createServer } from "node:net";
import { initTRPC } from "@trpc/server";
import { expect, test } from "vitest";
import { createHub } from "./hub.ts";
import { serve } from "./serve.ts";

test("a server that cannot listen leaves nothing behind: no timer, and no node in its hub's counts", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const hub = createHub();
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const router = initTRPC.create().router({});
  await expect(serve({ router, hub, host: "127.0.0.1", port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(await hub.counts()).toEqual({ nodes: 0, connections: 0, parkedSessions: 0 });
  expect(timers()).toBe(before);
  await hub.close();
  await new Promise((resolve) => taken.close(resolve));
});

test("nor does one whose hub is closed", async () => {
  const hub = createHub();
  await hub.close();
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const router = initTRPC.create().router({});
  await expect(serve({ router, hub })).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  expect(timers()).toBe(before);
});
