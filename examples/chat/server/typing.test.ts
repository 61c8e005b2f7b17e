import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { limits } from "../limits.ts";
import { Typing } from "./typing.ts";

const ada = { id: "1", name: "Ada" };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("takes somebody off who gives no further sign of typing", () => {
  const typing = new Typing();
  typing.start(ada);
  vi.advanceTimersByTime(limits.typingMs - 1);
  typing.start(ada);
  vi.advanceTimersByTime(limits.typingMs - 1);
  expect(typing.people.value).toEqual([ada]);
  vi.advanceTimersByTime(1);
  expect(typing.people.value).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it("takes somebody off who stops, and leaves no timer behind", () => {
  const typing = new Typing();
  typing.start(ada);
  typing.stop(ada.id);
  expect(typing.people.value).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it("holds no more people than its limit", () => {
  const typing = new Typing();
  for (let id = 0; id <= limits.people; id++) typing.start({ id: String(id), name: "Somebody" });
  expect(typing.people.value).toHaveLength(limits.people);
});
