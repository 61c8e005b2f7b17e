import { expect, test } from "vitest";
import { type TopicOptions, topicLimits } from "./hub-options.ts";

test("a limit that is given as undefined is the default, and not none", () => {
  // As it comes from `{ maxEvents: config.maxEvents }`, where TypeScript is not told to tell the two apart.
  const undefineds = {
    history: { maxEvents: undefined, maxAgeMs: undefined, maxBytes: undefined },
    buffer: { maxEvents: undefined, maxBytes: undefined },
    policy: undefined,
  } as unknown as TopicOptions;
  expect(topicLimits(undefineds)).toEqual(topicLimits({}));
  expect(topicLimits({ history: { maxEvents: 5 }, buffer: { maxBytes: 7 } })).toEqual({
    history: { maxEvents: 5, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 },
    buffer: { maxEvents: 1_000, maxBytes: 7 },
    policy: "buffer",
  });
  expect(topicLimits({ history: false }).history.maxEvents).toBe(0);
});
