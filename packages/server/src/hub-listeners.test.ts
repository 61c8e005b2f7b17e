import { expect, test } from "vitest";
import { turns } from "../testing/topic-world.ts";
import type { Closable } from "./broker.ts";
import { createHub } from "./hub.ts";

test("a listener to broadcasts that is closed twice does not close another", async () => {
  const hub = createHub();
  const heard: unknown[] = [];
  const first = hub.onBroadcast("reload", () => {});
  first.close();
  const second = hub.onBroadcast("reload", (data) => heard.push(data));
  first.close();
  hub.broadcast("reload", 1);
  await turns();
  expect(heard).toEqual([1]);
  second.close();
  await hub.close();
});

test("the same function may listen twice to broadcasts, and once where it has closed one of the two", async () => {
  const hub = createHub();
  const heard: unknown[] = [];
  const listener = (data: unknown): void => void heard.push(data);
  const open = [hub.onBroadcast("reload", listener), hub.onBroadcast("reload", listener)];
  hub.broadcast("reload", 1);
  await turns();
  expect(heard).toEqual([1, 1]);
  open[0]?.close();
  hub.broadcast("reload", 2);
  await turns();
  expect(heard).toEqual([1, 1, 2]);
  open[1]?.close();
  await hub.close();
});

test("a listener that listens anew when it hears of a broadcast hears of the next one, as do those beside it", async () => {
  const hub = createHub();
  const heard: unknown[] = [];
  const listen = (): Closable => {
    const open = hub.onBroadcast("reload", (data) => {
      if (heard.push(data) > 10) throw new Error("for ever");
      open.close();
      next = listen();
    });
    return open;
  };
  const beside = hub.onBroadcast("reload", (data) => heard.push(data));
  let next = listen();
  for (const data of [1, 2]) hub.broadcast("reload", data);
  await turns();
  expect(heard).toEqual([1, 1, 2, 2]);
  for (const open of [beside, next]) open.close();
  await hub.close();
});

test("a listener that another closes within a broadcast does not hear of it", async () => {
  const hub = createHub();
  const heard: unknown[] = [];
  const first = hub.onBroadcast("reload", () => second.close());
  const second = hub.onBroadcast("reload", (data) => heard.push(data));
  hub.broadcast("reload", 1);
  await turns();
  expect(heard).toEqual([]);
  first.close();
  await hub.close();
});

test("listeners and onError may be asynchronous, and reject", async () => {
  const errors: unknown[] = [];
  const hub = createHub({
    onError: (error) => (errors.push(error) === 1 ? reject(error) : raise(error)),
  });
  const heard: unknown[] = [];
  const open = [
    hub.onBroadcast("reload", () => reject(new Error("later"))),
    hub.onBroadcast("reload", () => reject(new Error("later still"))),
    hub.onBroadcast("reload", () => raise(new Error("at once"))),
    hub.onBroadcast("reload", (data) => heard.push(data)),
  ];
  hub.broadcast("reload", 1);
  await turns();
  expect(errors).toEqual([new Error("at once"), new Error("later"), new Error("later still")]);
  expect(heard).toEqual([1]);
  for (const listening of open) listening.close();
  await hub.close();
});

function raise(error: unknown): never {
  throw error;
}

function reject(error: unknown): unknown {
  return Promise.resolve().then(() => raise(error));
}
