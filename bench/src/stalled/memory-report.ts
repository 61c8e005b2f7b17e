import { setTimeout as sleep } from "node:timers/promises";

/** In bytes, after garbage collection. */
export interface MemoryReport {
  readonly heap: number;
  /** Outside of the heap: buffers, and what hangs on handles. */
  readonly external: number;
  readonly rss: number;
}

export async function measureMemory(): Promise<MemoryReport> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, external, rss };
}
