import type { History, HistoryEntry } from "./history.ts";
import { HistoryLog, type LoggedCall } from "./history-log.ts";
import { findTopicViolations } from "./topic-invariants.ts";

/** What an invariant was broken by. */
export interface Violation {
  /** The invariant: `I1` to `I18`. */
  readonly invariant: keyof typeof invariants;
  readonly message: string;
}

type Check = (log: HistoryLog) => Iterable<string>;
type Entry<Type extends HistoryEntry["type"]> = Extract<HistoryEntry, { type: Type }>;

/** What must hold of every history, whatever faults there were. */
export const invariants = {
  /** Items seen are a gap-free run of the items produced, or cut by a gap that was told. */
  I1: "no gap that is not told",
  /** No item is seen twice. */
  I2: "no item twice",
  /** A handler is started once for each session that the call is sent in, a mutation's once for all; a call settles once. */
  I3: "started at most once, settled once",
  /** What is settled well was done well. */
  I4: "no success without a handler that completed",
  /** Producers wait for their reader: what they are ahead of it is bounded. */
  I5: "no item ahead of what the reader takes",
  /** Nothing comes to a call that is not its own. */
  I6: "nothing crosses sessions or calls",
  /** What is kept is bounded. */
  I7: "buffers within limits",
  /** When faults stop, everything settles. */
  I8: "everything settles",
  /** When all is closed, nothing is left. */
  I9: "nothing left over",
  /** No loss and no gap without something outside that explains it. */
  I10: "no loss without a reason",
  /** A subscription to a topic gets each event of its key, in order, from where it began, once or within a gap that was told. */
  I11: "each event once and in order",
  /** What a gap covers was not seen, and was gone: from the history, or from what is kept for subscribers that are behind. */
  I12: "no gap over what could be had",
  /** Events and items of one session come in the order in which they were given. */
  I13: "events and items keep their order",
  /** When nothing is published any more, everybody has everything. */
  I14: "everybody is caught up",
  /** When nobody subscribes, nothing is followed, encoded or sent, and nothing that was acknowledged is kept. */
  I15: "nothing is done for nobody",
  /** A subscription to several keys gets each key's events as one to that key alone would; its ids say where it is in all of them. */
  I16: "each key's events once and in order, however many keys",
  /** A snapshot comes first and after each gap; it has what its id says, and what follows it is what came after that. */
  I17: "a snapshot and what follows are what the log says",
  /** Where a broker has lost what it kept, nothing comes before word of that. */
  I18: "no loss of a log in silence",
} as const;

/** Finds what breaks an invariant in a history that is over: all faults healed, all closed. Empty where all is well. */
export function findViolations(history: History): readonly Violation[] {
  const log = new HistoryLog(history);
  const found: Violation[] = [];
  for (const [invariant, check] of Object.entries(checks) as [Violation["invariant"], Check][]) {
    for (const message of check(log)) found.push({ invariant, message: `${invariants[invariant]}: ${message}` });
  }
  for (const { invariant, message } of findTopicViolations(history, log))
    found.push({ invariant, message: `${invariants[invariant]}: ${message}` });
  return found;
}

/** What concerns topics alone is in `topic-invariants.ts`. */
const checks: Readonly<Partial<Record<Violation["invariant"], Check>>> = {
  *I1({ calls }) {
    for (const call of calls.values()) {
      if (call.kind === "topic") continue;
      if (call.kind === "tracked") yield* findHolesInPositions(call);
      else yield* findHolesInRuns(call);
    }
  },

  *I2({ calls }) {
    for (const { call, kind, seen } of calls.values()) {
      const known = new Set<string>();
      for (const entry of seen) {
        if (entry.type !== "received") continue;
        const item = kind === "tracked" ? `${entry.position}` : `${entry.position} of ${entry.run}`;
        if (known.has(item)) yield `${call} got item ${item} again at ${entry.at} ms`;
        known.add(item);
      }
    }
  },

  *I3(log) {
    for (const { at, call, client, kind, settled, runs, late } of log.calls.values()) {
      if (late > 0) yield `${call} heard ${late} times more after it had settled`;
      if (settled.length > 1)
        yield `${call} settled ${settled.length} times: ${settled.map((end) => end.outcome).join(", ")}`;
      const last = runs.at(-1);
      if (last === undefined) continue;
      const allowed = kind === "mutation" || kind === "remembered" ? 1 : 1 + log.countExcuses(client, at, last.at);
      if (runs.length > allowed)
        yield `${call}, a ${kind}, was started ${runs.length} times (${runs.map((run) => run.run).join(", ")})`;
    }
  },

  *I4({ calls, runs }) {
    for (const { call, settled } of calls.values()) {
      for (const { at, outcome, run } of settled) {
        if (outcome !== "ok" || run === undefined) continue;
        const left = runs.get(run)?.left;
        if (left?.how !== "returned" || left.at > at)
          yield `${call} settled at ${at} ms with the result of ${run}, which ${left?.how ?? "runs"}`;
      }
    }
  },

  *I5(log) {
    yield* findExcesses(log, "ahead");
  },

  *I6({ calls, runs, strays }) {
    for (const stray of strays) yield `nobody knows of ${JSON.stringify(stray)}`;
    for (const { call, client, seen, settled, runs: own } of calls.values()) {
      for (const run of own)
        if (run.client !== client) yield `${call} of ${client} ran with the context of ${run.client}`;
      for (const entry of [...seen, ...settled]) {
        if (!("run" in entry) || entry.run === undefined) continue;
        const run = runs.get(entry.run);
        if (run?.call !== call) yield `${call} got what ${entry.run} gave to ${run?.call ?? "nobody"}`;
      }
    }
  },

  *I7(log) {
    yield* findExcesses(log, "kept");
  },

  *I8({ calls }) {
    for (const { at, call, kind, settled } of calls.values()) {
      if (settled.length === 0) yield `${call}, a ${kind} made at ${at} ms, has not settled`;
    }
  },

  *I9(log) {
    yield* findExcesses(log, "left");
    for (const { run, left } of log.runs.values()) if (left === undefined) yield `${run} still runs`;
  },

  *I10(log) {
    for (const { at, call, client, kind, settled, seen } of log.calls.values()) {
      const end = settled.find(({ outcome }) => lostOutcomes.has(outcome) || brokenOutcomes.has(outcome));
      const isGood = ({ early = false }: Entry<"excuse">): boolean =>
        kind === "remembered" ? early : kind !== "idempotent";
      const excused =
        end !== undefined && lostOutcomes.has(end.outcome) && log.countExcuses(client, at, end.at, isGood) > 0;
      if (end !== undefined && !excused) yield `${call} of ${client} ended with ${end.outcome} at ${end.at} ms`;
      // A gap that says what it covers has reasons of its own.
      const gaps = seen.filter((entry) => entry.type === "gap" && entry.from === undefined);
      const excuses = log.countExcuses(client, at, gaps.at(-1)?.at ?? at);
      if (gaps.length > excuses)
        yield `${call} of ${client} was told of ${gaps.length} gaps, and ${excuses} are explained`;
    }
  },

  *I15(log) {
    yield* findExcesses(log, "idle");
  },
};

/** What only a lost session explains. */
const lostOutcomes: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "SESSION_LOST"]);
/** What nothing explains: no client was closed, and none speaks another protocol. */
const brokenOutcomes: ReadonlySet<string> = new Set(["CONNECTION_CLOSED", "BAD_MESSAGE"]);

/** A tracked subscription goes on after its last position, whichever run it is. */
function* findHolesInPositions({ call, seen, runs, settled }: LoggedCall): Iterable<string> {
  let next: number | undefined = (runs[0]?.after ?? -1) + 1;
  for (const entry of seen) {
    if (entry.type === "gap") next = undefined;
    else {
      if (next !== undefined && entry.position > next)
        yield `${call} got item ${entry.position} where ${next} comes, at ${entry.at} ms`;
      next = entry.position + 1;
    }
  }
  if (settled[0]?.outcome !== "ok" || next === undefined) return;
  const upTo = next;
  const complete = runs.some(
    ({ left, emitted }) => left?.how === "returned" && (emitted.at(-1)?.position ?? -1) < upTo,
  );
  if (!complete) yield `${call} ended before item ${next}, which is the last of none of its runs`;
}

/** An untracked one sees each run from its beginning, and hears of a gap between two of them. */
function* findHolesInRuns({ call, seen, runs, settled }: LoggedCall): Iterable<string> {
  let run: string | undefined;
  let next = 0;
  let told = true;
  for (const entry of seen) {
    if (entry.type === "gap") {
      told = true;
      continue;
    }
    if (entry.run !== run) {
      if (!told) yield `${call} went from ${run} to ${entry.run} without a word at ${entry.at} ms`;
      run = entry.run;
      next = 0;
    }
    told = false;
    if (entry.position !== next)
      yield `${call} got item ${entry.position} of ${run} where ${next} comes, at ${entry.at} ms`;
    next = entry.position + 1;
  }
  if (settled[0]?.outcome !== "ok") return;
  const length = run === undefined ? 0 : next;
  const complete = runs.some(
    ({ run: name, left, emitted }) =>
      left?.how === "returned" && emitted.length === length && (length === 0 || name === run),
  );
  if (!complete) yield `${call} ended after ${length} items of ${run}, which is all of none of its runs`;
}

function* findExcesses({ measured }: HistoryLog, kind: "ahead" | "kept" | "left" | "idle"): Iterable<string> {
  for (const { at, what, amount, most } of measured) {
    if (what.startsWith(kind) && amount > most) yield `${what} is ${amount} at ${at} ms, and may be ${most}`;
  }
}
