import { expect, it } from "vitest";
import { Bell } from "./bell.ts";

it("wakes everybody who waits, once", async () => {
  const bell = new Bell();
  const both = Promise.all([bell.rung(), bell.rung()]);
  expect(bell.sleepers).toBe(2);
  bell.ring();
  await both;
  expect(bell.sleepers).toBe(0);
});

it("forgets whoever gave up waiting, before it waited and while it did", async () => {
  const bell = new Bell();
  const controller = new AbortController();
  const rung = bell.rung(controller.signal);
  controller.abort();
  await rung;
  await bell.rung(controller.signal);
  expect(bell.sleepers).toBe(0);
});
