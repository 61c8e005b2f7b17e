import type { LogMessage, LogReader } from "./log-reader.ts";

/** So many more than are wanted are read rather than to look for a better place to begin. */
const spare = 64;
/** How often a place to begin is looked for. */
const probes = 12;

type Open = (from: number) => Promise<LogReader>;

/**
 * The newest messages of a subject up to a sequence, oldest first: `count` of them at least where there are so many.
 *
 * JetStream reads forward only. How many follow a sequence is what a reader that begins there is told, so the place to begin is
 * narrowed down.
 *
 * @param open a reader of the subject from a sequence on.
 */
export async function newestOf(open: Open, until: number, count: number): Promise<readonly LogMessage[]> {
  const enough = 2 * count + spare;
  let reader = await open(1);
  try {
    if (reader.pending > enough) reader = await narrow(open, reader, until, count);
    const messages: LogMessage[] = [];
    for (let next = await reader.next(); next !== undefined && next.sequence <= until; next = await reader.next())
      messages.push(next);
    return messages;
  } finally {
    reader.close();
  }
}

/** A reader that begins nearer to the end, but not too near. Closes those that it does not give. */
async function narrow(open: Open, farthest: LogReader, until: number, count: number): Promise<LogReader> {
  const beyond = await countFrom(open, until + 1);
  let reader = farthest;
  let low = 1;
  let high = until + 1;
  for (let probe = 0, misses = 0; probe < probes && reader.pending - beyond > 2 * count + spare; probe++) {
    // Sequences are shared with other keys: those of this one are taken to be spread evenly, until that is seen to be wrong.
    const share = Math.min(0.5, ((1.5 * count + spare / 2) / (reader.pending - beyond)) * 2 ** misses);
    const middle = Math.floor(high - (high - low) * share);
    if (middle <= low) break;
    const nearer = await open(middle);
    if (nearer.pending - beyond >= count) {
      reader.close();
      reader = nearer;
      low = middle;
    } else {
      nearer.close();
      high = middle;
      misses++;
    }
  }
  return reader;
}

async function countFrom(open: Open, from: number): Promise<number> {
  const reader = await open(from);
  reader.close();
  return reader.pending;
}
