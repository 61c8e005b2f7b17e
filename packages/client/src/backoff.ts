/** How long to wait before connecting again. */
export interface BackoffOptions {
  /** The ceiling of the first delay, in ms. Default 250. */
  readonly baseMs?: number;
  /** The ceiling of every delay, in ms. Default 30,000. */
  readonly maxMs?: number;
}

/**
 * Full jitter: anything from nothing to a ceiling that doubles with each attempt, so that clients cut at once do not come back at
 * once (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @param attempt counted from 1.
 */
export function backoffMs(
  attempt: number,
  { backoff = {}, random = Math.random }: { backoff?: BackoffOptions; random?: () => number },
): number {
  const { baseMs = 250, maxMs = 30_000 } = backoff;
  // Not 0 * Infinity, which is no number.
  return random() * Math.min(maxMs, (baseMs * 2 ** Math.min(attempt, 99)) / 2);
}
