import type { Clock } from "@tautline/core/internals";

/** Time as browsers and Node both have it. */
export const systemClock: Omit<Clock, "turn"> = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (handle) => clearTimeout(handle),
};
