import type { CallKind, History, HistoryEntry } from "./history.ts";

type Entry<Type extends HistoryEntry["type"]> = Extract<HistoryEntry, { type: Type }>;

/** A history by call and by run. */
export class HistoryLog {
  readonly calls: Map<string, LoggedCall> = new Map();
  readonly runs: Map<string, LoggedRun> = new Map();
  readonly excuses: Entry<"excuse">[] = [];
  readonly measured: Entry<"measured">[] = [];
  /** Entries that name a call or run that nobody made. */
  readonly strays: HistoryEntry[] = [];

  constructor({ entries }: History) {
    // Excuses may be found out later than what they excuse.
    for (const entry of entries) if (entry.type === "excuse") this.excuses.push(entry);
    for (const entry of entries) this.#take(entry);
  }

  /** How many excuses this client has had in this time, both ends included. */
  countExcuses(
    client: string,
    from: number,
    to: number,
    isGood: (excuse: Entry<"excuse">) => boolean = () => true,
  ): number {
    let count = 0;
    for (const excuse of this.excuses) {
      const { at, until = at } = excuse;
      if (excuse.client === client && until >= from && at <= to && isGood(excuse)) count++;
    }
    return count;
  }

  #take(entry: HistoryEntry): void {
    switch (entry.type) {
      case "called":
        this.calls.set(entry.call, { ...entry, settled: [], runs: [], seen: [], late: 0 });
        return;
      case "entered": {
        const run: LoggedRun = { ...entry, emitted: [], left: undefined };
        this.runs.set(entry.run, run);
        this.#callOf(entry)?.runs.push(run);
        return;
      }
      case "settled":
        this.#callOf(entry)?.settled.push(entry);
        return;
      case "received":
      case "gap":
      case "snapshot":
      case "event": {
        const call = this.#callOf(entry);
        if (entry.type === "received" || entry.type === "gap") call?.seen.push(entry);
        if (call !== undefined && call.settled.length > 0) call.late++;
        return;
      }
      case "emitted":
        this.#runOf(entry)?.emitted.push(entry);
        return;
      case "left": {
        const run = this.#runOf(entry);
        if (run !== undefined) run.left = entry;
        return;
      }
      case "measured":
        this.measured.push(entry);
        return;
      default:
        return;
    }
  }

  #callOf(entry: HistoryEntry & { readonly call: string }): LoggedCall | undefined {
    const call = this.calls.get(entry.call);
    if (call === undefined) this.strays.push(entry);
    return call;
  }

  #runOf(entry: HistoryEntry & { readonly run: string }): LoggedRun | undefined {
    const run = this.runs.get(entry.run);
    if (run === undefined) this.strays.push(entry);
    return run;
  }
}

export interface LoggedCall {
  readonly at: number;
  readonly call: string;
  readonly client: string;
  readonly kind: CallKind;
  readonly settled: Entry<"settled">[];
  readonly runs: LoggedRun[];
  readonly seen: (Entry<"received"> | Entry<"gap">)[];
  /** What was seen after it had settled. */
  late: number;
}

export interface LoggedRun {
  readonly at: number;
  readonly run: string;
  readonly call: string;
  readonly client: string;
  readonly after?: number;
  readonly emitted: Entry<"emitted">[];
  left: Entry<"left"> | undefined;
}
