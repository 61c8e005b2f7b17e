import type { Clock } from "@tautline/core/internals";

/** Node's own time. What waits for nothing but time does not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs).unref(),
  clearTimeout: (handle) => clearTimeout(handle),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};
