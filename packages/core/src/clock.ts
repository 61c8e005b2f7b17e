/** What a timer is known by; hosts differ (a number in browsers, an object in Node). */
export type TimerHandle = ReturnType<typeof setTimeout>;

/** Time, handed in so that tests can hold it. */
export interface Clock {
  /** Milliseconds that never run backwards; only differences mean something. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
  /** Resolves in a later turn of the event loop, after pending input and output have had theirs. */
  turn(): Promise<void>;
}
