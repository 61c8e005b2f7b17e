import type { LogEntry } from "./log.ts";

export interface MutationCounts {
  readonly calls: number;
  readonly answered: number;
  /** `OUTCOME_UNKNOWN`; and how many of these were never begun. */
  readonly unknown: number;
  readonly unknownNotBegun: number;
  /** Idempotent ones that were run more than once. */
  readonly runAgain: number;
}

/** What is known of one mutation. */
interface Fate {
  readonly event: string;
  readonly answers: { readonly at: number; readonly id?: string; readonly code?: string }[];
  readonly runs: { readonly node: string; id?: string; leftAt?: number }[];
  calledAt: number | undefined;
  idempotent: boolean;
}

/** How long an outcome may take to be stored after its handler is done, on a busy machine. */
const storingMs = 1_000;

/**
 * Every mutation is run at most once, and settles once: with its result, or as unknown where a node died with it. One that is idempotent
 * may be run again, and is never unknown.
 */
export function judgeMutations(
  entries: readonly LogEntry[],
  leaseMs: number,
): { readonly violations: string[]; readonly counts: MutationCounts } {
  const killedAt = new Map(
    entries.flatMap((entry) => (entry.type === "killed" ? [[entry.node, entry.at] as const] : [])),
  );
  const fates = fatesOf(entries);
  const unknown = fates.filter(({ answers }) => answers.some(({ code }) => code === "OUTCOME_UNKNOWN"));
  return {
    violations: fates.flatMap((fate) =>
      violationsOf(fate, killedAt, leaseMs).map((what) => `mutation ${fate.event}: ${what}`),
    ),
    counts: {
      calls: fates.length,
      answered: fates.filter(({ answers }) => answers.some(({ id }) => id !== undefined)).length,
      unknown: unknown.length,
      unknownNotBegun: unknown.filter(({ runs }) => runs.length === 0).length,
      runAgain: fates.filter(({ idempotent, runs }) => idempotent && runs.length > 1).length,
    },
  };
}

function fatesOf(entries: readonly LogEntry[]): readonly Fate[] {
  const fates = new Map<string, Fate>();
  const of = (event: string): Fate => {
    const fate = fates.get(event) ?? { event, answers: [], runs: [], calledAt: undefined, idempotent: false };
    fates.set(event, fate);
    return fate;
  };
  for (const entry of entries) {
    if (entry.type === "called") Object.assign(of(entry.event), { calledAt: entry.at, idempotent: entry.idempotent });
    else if (entry.type === "entered") of(entry.event).runs.push({ node: entry.node });
    else if (entry.type === "left") {
      const run = of(entry.event).runs.find(({ node }) => node === entry.node);
      if (run !== undefined) [run.id, run.leftAt] = [entry.id, entry.at];
    } else if (entry.type === "answered") of(entry.event).answers.push({ at: entry.at, id: entry.id });
    else if (entry.type === "failed") of(entry.event).answers.push({ at: entry.at, code: entry.code });
  }
  return [...fates.values()];
}

function violationsOf(fate: Fate, killedAt: ReadonlyMap<string, number>, leaseMs: number): string[] {
  const { calledAt, runs, answers } = fate;
  const found: string[] = [];
  if (calledAt === undefined) found.push("nobody has called it");
  if (runs.length > 1 && !fate.idempotent)
    found.push(`run ${runs.length} times, on ${runs.map(({ node }) => node).join(" and ")}`);
  if (answers.length !== 1) found.push(`settled ${answers.length} times`);
  for (const { at, id, code } of answers) {
    if (id !== undefined && !runs.some((run) => run.id === id)) found.push(`answered ${id}, which no handler gave`);
    if (code === "OUTCOME_UNKNOWN" && fate.idempotent) found.push("unknown, though it is idempotent");
    else if (code === "OUTCOME_UNKNOWN") found.push(...doubtsOf(fate, at, killedAt, leaseMs));
    else if (code !== undefined) found.push(`failed with ${code}`);
  }
  return found;
}

/** `OUTCOME_UNKNOWN` is for what a node had begun when it died; and the store finds that out when the node's lease is over. */
function doubtsOf(
  { calledAt = 0, runs }: Fate,
  at: number,
  killedAt: ReadonlyMap<string, number>,
  leaseMs: number,
): string[] {
  const [run] = runs;
  const died = run === undefined ? firstIn(killedAt, calledAt, at) : killedAt.get(run.node);
  if (died === undefined) return ["unknown, though its node did not die"];
  const found: string[] = [];
  if (run?.leftAt !== undefined && died - run.leftAt > storingMs) found.push("unknown, long after it was done");
  // A lease is renewed when a third of it is over.
  if (at - died < (leaseMs * 2) / 3 - storingMs) found.push(`unknown ${Math.round(at - died)} ms after its node died`);
  return found;
}

/** The first death in between. */
function firstIn(killedAt: ReadonlyMap<string, number>, from: number, to: number): number | undefined {
  return [...killedAt.values()].filter((at) => at > from && at < to).toSorted((a, b) => a - b)[0];
}
