import { TautlineError } from "@tautline/core";
import { defaultMaxWindowBytes } from "@tautline/core/internals";
import type { History } from "@tautline/core/testing";

/** An item of a stream, which says whose it is. */
export interface StreamItem {
  readonly stream: string;
  readonly position: number;
  readonly padding: string;
}

/** As much of the world as streams are in. */
export interface StreamSurroundings {
  readonly history: History;
  received: number;
  emittedLength: number;
  sleep(ms: number): Promise<void>;
}

/** How a stream's items are given. */
export interface Pace {
  readonly count: number;
  readonly everyMs: number;
  readonly padding: number;
  /** Whether its source throws after the last one. */
  readonly fails: boolean;
}

/** What a stream's items may be ahead of its reader: the largest window, and what a message takes that is not padding. */
const mostAhead = defaultMaxWindowBytes;

/** What becomes of each stream, for the history: what goes up is named after its call, what goes down after the run that gives it. */
export class StreamWorld {
  readonly #world: StreamSurroundings;
  readonly #open = new Set<string>();
  readonly #ahead = new Map<string, number>();

  constructor(world: StreamSurroundings) {
    this.#world = world;
  }

  /** A call has something that goes up, or a run something that goes down. */
  open(stream: string, client: string): void {
    this.#open.add(stream);
    this.#world.history.add("called", { call: stream, client, kind: "untracked" });
  }

  async *give(stream: string, client: string, pace: Pace): AsyncGenerator<StreamItem> {
    const { history } = this.#world;
    history.add("entered", { call: stream, client, run: stream });
    let how: "returned" | "thrown" | "stopped" = "stopped";
    try {
      for (let position = 0; position < pace.count; position++) {
        await this.#world.sleep(pace.everyMs);
        this.#emit(stream, position, pace.padding);
        yield { stream, position, padding: "x".repeat(pace.padding) };
      }
      how = pace.fails ? "thrown" : "returned";
      if (pace.fails) throw new TautlineError({ code: "CONFLICT", message: "as asked" });
    } finally {
      history.add("left", { run: stream, how });
    }
  }

  /** Reads a stream, as slowly as is wanted, and no further than is wanted. Returns how it ended. @param codeOf what was thrown. */
  async take(
    stream: string,
    items: AsyncIterable<StreamItem>,
    { readMs, stopAt }: { readonly readMs: number; readonly stopAt: number },
    codeOf: (thrown: unknown) => string = codeAtClient,
  ): Promise<string> {
    let taken = 0;
    try {
      if (stopAt > 0)
        for await (const item of items) {
          this.#receive(stream, item);
          await this.#world.sleep(readMs);
          if (++taken === stopAt) return this.settle(stream, "cancelled");
        }
      return this.settle(stream, stopAt > 0 ? "ok" : "cancelled");
    } catch (thrown) {
      // A call that is sent again has two runs that would read what goes up, and only one of them gets any.
      const code = codeOf(thrown);
      return taken > 0 ? this.settle(stream, code) : code;
    }
  }

  /** An item that has come up goes down. */
  pass(up: string, down: string, item: StreamItem): void {
    this.#receive(up, item);
    this.#emit(down, item.position, item.padding.length);
  }

  settle(stream: string, outcome: string): string {
    if (this.#open.delete(stream)) this.#world.history.add("settled", { call: stream, outcome });
    return outcome;
  }

  /** Streams of which nobody got anything: the call failed, or the answer that held them was lost. */
  settleUnread(): void {
    for (const stream of this.#open) this.settle(stream, "cancelled");
  }

  #emit(stream: string, position: number, length: number): void {
    this.#world.history.add("emitted", { run: stream, position, length });
    this.#world.emittedLength += length + 200;
    const ahead = (this.#ahead.get(stream) ?? 0) + length;
    this.#ahead.set(stream, ahead);
    if (ahead > mostAhead + length)
      this.#world.history.add("measured", { what: `ahead of ${stream}`, amount: ahead, most: mostAhead + length });
  }

  #receive(stream: string, { stream: of, position, padding: { length } }: StreamItem): void {
    this.#world.history.add("received", { call: stream, run: of, position });
    this.#world.received++;
    this.#ahead.set(of, (this.#ahead.get(of) ?? 0) - length);
  }
}

function codeAtClient(thrown: unknown): string {
  return TautlineError.from(thrown).code;
}

/** A client that could not have its session back says goodbye to it; at the server it is gone. */
export function codeAtServer(thrown: unknown): string {
  const { code } = TautlineError.from(thrown);
  return code === "CONNECTION_CLOSED" ? "SESSION_LOST" : code;
}
