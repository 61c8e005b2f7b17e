import type { FakeClock, History } from "@tautline/core/testing";
import { StreamWorld } from "./stream-world.ts";
import { type TopicSettings, TopicWorld } from "./topic-world.ts";

/** What handlers share in one schedule: time, a log of events, and the history that they write. */
export class World {
  readonly history: History;
  readonly clock: FakeClock;
  /** How much text a run's items may be ahead of their reader. */
  readonly mostAhead: number;
  readonly streams: StreamWorld = new StreamWorld(this);
  readonly topics: TopicWorld;
  /** Items that consumers got. */
  received = 0;
  /** About the text of all answers and items, as far as they are sent unasked. */
  emittedLength = 0;
  #runs = 0;
  readonly #runsOf = new Map<string, number>();
  #events = 0;
  #over = false;
  readonly #running = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  readonly #ahead = new Map<string, number>();

  constructor(history: History, clock: FakeClock, mostAhead: number, topics: TopicSettings) {
    this.history = history;
    this.clock = clock;
    this.mostAhead = mostAhead;
    this.topics = new TopicWorld(this, topics);
  }

  /** Readers of the log that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @param after where it goes on: after an item, or after a place in each key of a topic. */
  enter(call: string, client: string, after?: string | readonly number[]): string {
    const run = `run ${++this.#runs}`;
    this.#runsOf.set(call, (this.#runsOf.get(call) ?? 0) + 1);
    const start = after === undefined ? {} : typeof after === "string" ? { after: Number(after) } : { places: after };
    this.history.add("entered", { call, client, run, ...start });
    this.emittedLength += 200;
    this.#running.set(run, call);
    return run;
  }

  /** Whether a call was sent again: of two sessions its client has given up one, without the server knowing. */
  ranAgain(call: string): boolean {
    return (this.#runsOf.get(call) ?? 0) > 1;
  }

  leave(run: string, how: "returned" | "thrown" | "stopped"): void {
    this.#running.delete(run);
    this.history.add("left", { run, how });
  }

  /** Handlers that run for nobody: their call has settled, or another runs for it as well. */
  countIdle(isOpen: (call: string) => boolean): number {
    const calls = [...this.#running.values()];
    return calls.filter((call, index) => !isOpen(call) || calls.indexOf(call) < index).length;
  }

  emit(run: string, position: number, length: number): void {
    this.history.add("emitted", { run, position, length, end: this.topics.end });
    this.emittedLength += length + 100;
    const ahead = (this.#ahead.get(run) ?? 0) + length;
    this.#ahead.set(run, ahead);
    if (ahead > this.mostAhead)
      this.history.add("measured", { what: `ahead of ${run}'s reader`, amount: ahead, most: this.mostAhead + length });
  }

  /** The item that was emitted last has been sent. */
  pass(run: string, position: number): void {
    this.history.add("passed", { run, position, end: this.topics.end });
  }

  receive(call: string, run: string, position: number, length: number): void {
    this.history.add("received", { call, run, position });
    this.received++;
    this.#ahead.set(run, (this.#ahead.get(run) ?? 0) - length);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms === 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.clock.clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = this.clock.setTimeout(wake, ms);
      signal?.addEventListener("abort", wake);
    });
  }

  append(count: number): void {
    this.#events += count;
    this.#wake();
  }

  /** The log has no more events. */
  finish(): void {
    this.#over = true;
    this.#wake();
  }

  /** Whether there is an event at this position, at last; false where the log is over, or the reader has gone. */
  async event(position: number, signal: AbortSignal | undefined): Promise<boolean> {
    while (position >= this.#events && !this.#over && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal?.addEventListener("abort", wake);
      });
    }
    return position < this.#events && signal?.aborted !== true;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
