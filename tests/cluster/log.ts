import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** What is written down, outside the library, by whoever does it; `at` in ms, of one clock for all processes of the machine. */
export type LogEntry = { readonly at: number } & (
  | { readonly type: "killed" | "started"; readonly node: string }
  /** A client calls a mutation, which is to publish the event of the same name; and hears what it came to. */
  | { readonly type: "called"; readonly event: string; readonly key: string; readonly idempotent: boolean }
  | { readonly type: "answered"; readonly event: string; readonly id: string }
  | { readonly type: "failed"; readonly event: string; readonly code: string }
  /** The mutation's handler begins, is about to publish, and is done, with the id that it answers. */
  | { readonly type: "entered"; readonly event: string; readonly node: string }
  | { readonly type: "published"; readonly event: string; readonly key: string }
  | { readonly type: "left"; readonly event: string; readonly id: string; readonly node: string }
  /** A subscription stands, for the first time or again. */
  | { readonly type: "follows"; readonly subscription: string; readonly keys: readonly string[] }
  | {
      readonly type: "got";
      readonly subscription: string;
      readonly event: string;
      readonly key: string;
      readonly id: string;
    }
  | { readonly type: "gap"; readonly subscription: string; readonly from?: string; readonly to?: string }
  /** A subscription is over, though nobody ended it. */
  | { readonly type: "ended"; readonly subscription: string; readonly code: string }
  /** The connection of these subscriptions is lost. */
  | { readonly type: "away"; readonly subscriptions: readonly string[] }
  /** Something was reported that nobody waits for. */
  | { readonly type: "reported"; readonly where: string; readonly message: string }
);

type Unstamped<Entry> = Entry extends LogEntry ? Omit<Entry, "at"> : never;

/** Written at once: what a process has written is not lost with it. */
export class Log {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  write(entry: Unstamped<LogEntry>): void {
    writeSync(this.#file, `${JSON.stringify({ at: now(), ...entry })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** In the order in which things happened. */
export function readLogs(paths: readonly string[]): LogEntry[] {
  return paths.flatMap((path) => readLog(path)).toSorted((a, b) => a.at - b.at);
}

function readLog(path: string): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    // A process may have died within its last line.
    if (line.endsWith("}")) entries.push(JSON.parse(line) as LogEntry);
  }
  return entries;
}

function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
