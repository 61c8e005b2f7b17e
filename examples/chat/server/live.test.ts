import { expect, it } from "vitest";
import { Live } from "./live.ts";

it("gives a watcher the value now and the newest one whenever it looks again", async () => {
  const live = new Live("first");
  const watcher = live.watch();
  expect((await watcher.next()).value).toBe("first");
  live.set("missed");
  live.set("newest");
  expect((await watcher.next()).value).toBe("newest");
  const next = watcher.next();
  live.set("after");
  expect((await next).value).toBe("after");
});

it("ends a watcher whose signal is aborted", async () => {
  const controller = new AbortController();
  const watcher = new Live(1).watch(controller.signal);
  await watcher.next();
  const next = watcher.next();
  controller.abort();
  expect((await next).done).toBe(true);
});
