import type { Clock } from "@tautline/core/internals";

/** Node's own time: monotonic, and a turn that lets sockets have theirs. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (handle) => clearTimeout(handle),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};

/** The same; what waits for nothing but time does not keep the process alive. */
export const backgroundClock: Clock = {
  ...systemClock,
  setTimeout: (run, delayMs) => setTimeout(run, delayMs).unref(),
};
