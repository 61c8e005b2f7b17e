import type { Clock } from "@tautline/core/internals";

/** Node's own time: monotonic, and a turn that lets sockets have theirs. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (handle) => clearTimeout(handle),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};
