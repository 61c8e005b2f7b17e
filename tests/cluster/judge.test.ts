import { describe, expect, test } from "vitest";
import { shortHistory } from "./api.ts";
import { judge } from "./judge.ts";
import type { LogEntry } from "./log.ts";

const leaseMs = 3_000;

type Unstamped<Entry> = Entry extends LogEntry ? Omit<Entry, "at"> : never;

/** A log that is written by hand. */
class Script {
  readonly entries: LogEntry[] = [];
  #at = 0;

  write(entry: Unstamped<LogEntry>): this {
    this.entries.push({ at: this.#at++, ...entry });
    return this;
  }

  pass(ms: number): this {
    this.#at += ms;
    return this;
  }

  /** A mutation that is run on a node and answered. */
  publish(event: string, key: string, node = "1/1"): this {
    this.write({ type: "called", event, key, idempotent: false }).write({ type: "entered", event, node });
    this.write({ type: "published", event, key }).write({ type: "left", event, id: `id ${event}`, node });
    return this.write({ type: "answered", event, id: `id ${event}` });
  }

  get(subscription: string, key: string, ...events: readonly string[]): this {
    for (const event of events) this.write({ type: "got", subscription, event, key, id: `id ${event}` });
    return this;
  }
}

/** Two that follow a key, of which one is away; and a key of which too much came meanwhile. A mutation goes down with its node. */
function happens(): Script {
  const script = new Script();
  script.write({ type: "follows", subscription: "a", keys: ["long"] });
  script.write({ type: "follows", subscription: "b", keys: ["long"] });
  script.write({ type: "follows", subscription: "c", keys: ["short"] });
  for (const event of ["1", "2", "3"]) script.publish(event, "long").get("a", "long", event).get("b", "long", event);
  script.publish("s0", "short").get("c", "short", "s0");
  script
    .write({ type: "called", event: "lost", key: "long", idempotent: false })
    .write({ type: "entered", event: "lost", node: "1/1" });
  script.write({ type: "killed", node: "1/1" }).write({ type: "away", subscriptions: ["b", "c"] });
  script.publish("4", "long", "2/1").publish("5", "long", "2/1").get("a", "long", "4", "5");
  for (let number = 1; number <= shortHistory + 2; number++) script.publish(`s${number}`, "short", "2/1");
  script.get("b", "long", "4", "5");
  script.write({ type: "gap", subscription: "c", from: "id s0", to: "id s2" });
  script.get("c", "short", ...Array.from({ length: shortHistory }, (_, index) => `s${index + 3}`));
  return script.pass(leaseMs).write({ type: "failed", event: "lost", code: "OUTCOME_UNKNOWN" });
}

/** What is found where something else happens. */
function found(change: (entries: LogEntry[]) => readonly LogEntry[]): readonly string[] {
  return judge(change(happens().entries), leaseMs).violations;
}

function isGot(entry: LogEntry, subscription: string, event: string): boolean {
  return entry.type === "got" && entry.subscription === subscription && entry.event === event;
}

const without = (drop: (entry: LogEntry) => boolean) => (entries: LogEntry[]) =>
  entries.filter((entry) => !drop(entry));
const twice = (which: (entry: LogEntry) => boolean) => (entries: LogEntry[]) =>
  entries.flatMap((entry) => (which(entry) ? [entry, entry] : [entry]));
const instead = (change: (entry: LogEntry) => LogEntry | readonly LogEntry[]) => (entries: LogEntry[]) =>
  entries.flatMap((entry) => change(entry));
const also =
  (...more: readonly Unstamped<LogEntry>[]) =>
  (entries: LogEntry[]) => {
    const at = entries.at(-1)?.at ?? 0;
    return [...entries, ...more.map((entry) => ({ at, ...entry }))];
  };

test("the judge has nothing against what is as it should be, and counts it", () => {
  const verdict = judge(happens().entries, leaseMs);
  expect(verdict.violations).toEqual([]);
  expect(verdict.counts).toMatchObject({
    calls: 19,
    answered: 18,
    unknown: 1,
    kills: 1,
    away: 2,
    gaps: 1,
    missedInGaps: 2,
  });
});

describe("the judge finds", () => {
  test("an event that is lost, in the middle or at the end", () => {
    expect(found(without((entry) => isGot(entry, "b", "2")))).toEqual([
      "subscription b: 1 missing before 3, 2 the first",
    ]);
    expect(found(without((entry) => isGot(entry, "a", "5")))).toEqual([
      "subscription a: 1 missing before the end, 5 the first",
    ]);
  });

  test("an event that nobody got, though it was stored", () => {
    expect(found(without((entry) => entry.type === "got" && entry.event === "3"))).toHaveLength(2);
  });

  test("an event that comes twice", () => {
    expect(found(twice((entry) => isGot(entry, "b", "4")))).toEqual(["subscription b: 4 twice"]);
  });

  test("events out of order, for one subscriber or for all", () => {
    const swap = (...who: readonly string[]) =>
      instead((entry) => {
        if (entry.type !== "got" || !who.includes(entry.subscription)) return entry;
        const event = { "4": "5", "5": "4" }[entry.event] ?? entry.event;
        return { ...entry, event, id: `id ${event}` };
      });
    expect(found(swap("b"))).toContainEqual(expect.stringMatching(/^subscription [ab]: . after .$/));
    expect(found(swap("a", "b"))).toEqual(["long: 4 after 5, which was published later"]);
  });

  test("an event that nobody has published, and one of a key that is not followed", () => {
    const got = { type: "got", subscription: "a", event: "forged", id: "id forged" } as const;
    expect(found(also({ ...got, key: "long" }))).toContain("long: forged, which nobody has published");
    expect(found(also({ ...got, key: "short" }))).toContain(
      "subscription a: forged of short, which it does not follow",
    );
  });

  test("a gap that is not justified: nothing was trimmed, or nobody was away, or nothing is missing", () => {
    const gap = { type: "gap", subscription: "b", from: "id 3", to: "id 4" } as const;
    const before4 = (entry: LogEntry): readonly LogEntry[] =>
      isGot(entry, "b", "4") ? [{ at: entry.at, ...gap }] : [entry];
    expect(found(instead(before4))).toContain("subscription b: a gap, though what it had not got was all kept");
    expect(found(without((entry) => entry.type === "away"))).toContain(
      "subscription c: a gap, though its connection was not lost",
    );
    const missing = ["s1", "s2"].map(
      (event) => ({ type: "got", subscription: "c", event, key: "short", id: "" }) as const,
    );
    const afterGap = (entry: LogEntry): readonly LogEntry[] =>
      entry.type === "gap" ? [entry, ...missing.map((one) => ({ at: entry.at, ...one }))] : [entry];
    expect(found(instead(afterGap))).toContain("subscription c: a gap before s1, and nothing is missing");
  });

  test("a gap that begins elsewhere, and one of which nobody was told", () => {
    expect(found(instead((entry) => (entry.type === "gap" ? { ...entry, from: "id s1" } : entry)))).toEqual([
      "subscription c: a gap from id s1, but id s0 was the last",
    ]);
    expect(found(without((entry) => entry.type === "gap"))).toEqual([
      "subscription c: 2 missing before s3, s1 the first",
    ]);
  });

  test("a subscription that ended", () => {
    expect(found(also({ type: "ended", subscription: "a", code: "NOT_FOUND" }))).toEqual([
      "subscription a: it ended: NOT_FOUND",
    ]);
  });

  test("a mutation that is run twice, on one node or on two", () => {
    expect(found(also({ type: "entered", event: "1", node: "2/1" }))).toEqual([
      "mutation 1: run 2 times, on 1/1 and 2/1",
    ]);
    expect(found(twice((entry) => entry.type === "entered" && entry.event === "2"))).toEqual([
      "mutation 2: run 2 times, on 1/1 and 1/1",
    ]);
  });

  test("a mutation that is never answered, or twice, or with what no handler gave, or that fails", () => {
    const isAnswer = (entry: LogEntry): boolean => entry.type === "answered" && entry.event === "1";
    const wrong = (entry: LogEntry): LogEntry => (isAnswer(entry) ? ({ ...entry, id: "id 2" } as LogEntry) : entry);
    expect(found(without(isAnswer))).toEqual(["mutation 1: settled 0 times"]);
    expect(found(twice(isAnswer))).toEqual(["mutation 1: settled 2 times"]);
    expect(found(instead(wrong))).toEqual(["mutation 1: answered id 2, which no handler gave"]);
    expect(found(also({ type: "failed", event: "1", code: "SERVICE_UNAVAILABLE" }))).toContain(
      "mutation 1: failed with SERVICE_UNAVAILABLE",
    );
  });

  test("an idempotent mutation that is unknown; that it is run twice is as it should be", () => {
    const idempotent = instead((entry) => (entry.type === "called" ? { ...entry, idempotent: true } : entry));
    expect(found(idempotent)).toEqual(["mutation lost: unknown, though it is idempotent"]);
    const again = also({ type: "entered", event: "1", node: "2/1" });
    expect(found((entries) => again([...idempotent(entries)]))).toEqual(found(idempotent));
  });

  test("an unknown outcome whose node did not die, or died long after, or that was given up at once", () => {
    const failed = { type: "failed", event: "lost", code: "OUTCOME_UNKNOWN" } as const;
    expect(found(without((entry) => entry.type === "killed"))).toEqual([
      "mutation lost: unknown, though its node did not die",
    ]);
    const early = (entry: LogEntry): readonly LogEntry[] =>
      entry.type === "killed" ? [entry, { at: entry.at + 1, ...failed }] : entry.type === "failed" ? [] : [entry];
    expect(found(instead(early))).toEqual(["mutation lost: unknown 1 ms after its node died"]);
    const done = (entry: LogEntry): LogEntry =>
      entry.type === "entered" && entry.event === "lost"
        ? { type: "left", event: "lost", id: "id lost", node: "1/1", at: entry.at - 2_000 }
        : entry;
    const longDone = (entries: LogEntry[]): readonly LogEntry[] =>
      entries.flatMap((entry) => (done(entry) === entry ? [entry] : [entry, done(entry)]));
    expect(found(longDone)).toContain("mutation lost: unknown, long after it was done");
  });
});
