// The client of `bench:stalled` in a page. Bundled by itself.
import { createReading, type StalledClientCommands } from "./reading.ts";

declare global {
  /** Set by `main.ts` before the page's code runs. */
  var stalledUrl: string;
  var stalled: StalledClientCommands;
}

globalThis.stalled = createReading(globalThis.stalledUrl);
