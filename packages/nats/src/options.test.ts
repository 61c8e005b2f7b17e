import { expect, test } from "vitest";
import { linkSettings, type NatsLinkOptions } from "./options.ts";

test("an option that is given as undefined is the default, and not none", () => {
  // As it comes from `{ baseMs: config.baseMs }`, where TypeScript is not told to tell the two apart.
  const undefineds = { backoff: { baseMs: undefined, maxMs: undefined } } as unknown as NatsLinkOptions;
  expect(linkSettings(undefineds).backoff).toEqual({ baseMs: 100, maxMs: 5_000 });
  expect(linkSettings({ backoff: { maxMs: 7 } }).backoff).toEqual({ baseMs: 100, maxMs: 7 });
});
