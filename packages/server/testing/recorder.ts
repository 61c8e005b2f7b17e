import { inspect } from "node:util";

/** What the parts of a random procedure saw, in order, of the call that runs at the moment. */
export class Recorder {
  #events = new Map<string, string[]>();
  #counts = new Map<string, number>();

  /** Events of different branches run at the same time, so their order is kept for each branch by itself. */
  record(branch: unknown, name: string, ...seen: unknown[]): void {
    const key = String(branch);
    const events = this.#events.get(key) ?? [];
    events.push([name, ...seen.map(snapshot)].join(" "));
    this.#events.set(key, events);
  }

  /** How often this was asked for `name` in the call that runs, from 1. */
  count(name: string): number {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count;
  }

  /** All events of the call, by branch. The next call begins. */
  take(): Record<string, string[]> {
    // Parsers do not know their branch; between branches that run at the same time there is no order to keep.
    const hasBranches = [...this.#events.keys()].some((branch) => branch !== "main" && branch !== "parsers");
    if (hasBranches) this.#events.get("parsers")?.sort();
    const events = Object.fromEntries([...this.#events].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#events = new Map();
    this.#counts = new Map();
    return events;
  }
}

/** A text of a value as it is now. Reads no getters. */
export function snapshot(value: unknown): string {
  return inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    maxArrayLength: null,
    maxStringLength: null,
    breakLength: Number.POSITIVE_INFINITY,
    sorted: true,
    getters: false,
  });
}
