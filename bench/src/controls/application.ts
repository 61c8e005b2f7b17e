// What every system serves here: handlers that write down what they do, outside of the system that carries them.
import { setImmediate as turn } from "node:timers/promises";
import type { History } from "@tautline/core/testing";

/** What a call is made with. */
export interface LoggedInput {
  readonly call: string;
  /** Turns of the event loop that the handler takes, for each item where it gives items. */
  readonly turns: number;
  /** How many items a subscription has in all. */
  readonly items: number;
  /** Continues after this item. */
  readonly lastEventId?: string | null | undefined;
}

/** A result, or an item, which says itself whose it is. */
export interface Logged {
  readonly run: string;
  readonly position: number;
}

export class LoggedHandlers {
  readonly #history: History;
  #runs = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** A query or mutation. */
  async work(client: string, input: LoggedInput): Promise<Logged> {
    const run = this.#enter(client, input);
    for (let turned = 0; turned < input.turns; turned++) await turn();
    this.#history.add("left", { run, how: "returned" });
    return { run, position: 0 };
  }

  /** A subscription. */
  async *count(client: string, input: LoggedInput): AsyncGenerator<Logged, void> {
    const run = this.#enter(client, input);
    let how: "returned" | "stopped" = "stopped";
    try {
      for (let position = firstOf(input); position < input.items; position++) {
        for (let turned = 0; turned < input.turns; turned++) await turn();
        this.#history.add("emitted", { run, position, length: 0 });
        yield { run, position };
      }
      how = "returned";
    } finally {
      this.#history.add("left", { run, how });
    }
  }

  #enter(client: string, input: LoggedInput): string {
    const run = `run ${++this.#runs}`;
    const after = typeof input.lastEventId === "string" ? { after: Number(input.lastEventId) } : {};
    this.#history.add("entered", { call: input.call, client, run, ...after });
    return run;
  }
}

function firstOf({ lastEventId }: LoggedInput): number {
  return typeof lastEventId === "string" ? Number(lastEventId) + 1 : 0;
}
