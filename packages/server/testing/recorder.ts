import { inspect } from "node:util";

interface Event {
  readonly branch: string;
  readonly text: string;
}

/** What the parts of a random procedure saw, in order, of the call that runs at the moment. */
export class Recorder {
  #events: Event[] = [];
  #counts = new Map<string, number>();

  /** Notes an event of a branch; what runs at the same time as something else is a branch other than `main`. */
  record(branch: unknown, name: string, ...seen: unknown[]): void {
    this.#events.push({ branch: String(branch), text: [name, ...seen.map(snapshot)].join(" ") });
  }

  /** How often this was asked for `name` in the call that runs, from 1. */
  count(name: string): number {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count;
  }

  /** All events of the call; the next call begins. Their order is kept within a branch, as between branches there is none. */
  take(): Record<string, string[]> {
    const branches = new Set(this.#events.map(({ branch }) => branch));
    const isOne = [...branches].every((branch) => branch === "main" || branch === parsers);
    const byBranch = isOne ? { all: this.#textsOf(() => true) } : this.#byBranch([...branches].sort());
    this.#events = [];
    this.#counts = new Map();
    return byBranch;
  }

  #byBranch(branches: readonly string[]): Record<string, string[]> {
    const texts = (name: string): string[] => this.#textsOf(({ branch }) => branch === name);
    // A parser does not know the branch that it works for.
    return Object.fromEntries(branches.map((name) => [name, name === parsers ? texts(name).sort() : texts(name)]));
  }

  #textsOf(isWanted: (event: Event) => boolean): string[] {
    return this.#events.filter(isWanted).map(({ text }) => text);
  }
}

/** What parsers note as their branch. */
export const parsers = "parsers";

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
