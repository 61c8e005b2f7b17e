import { describe, expect, it } from "vitest";
import { type CallKind, History } from "./history.ts";
import { findViolations } from "./invariants.ts";

/** A history with one call of Ann's, to be gone on with. */
function begin(kind: CallKind): { history: History; readonly found: () => string[]; readonly pass: () => void } {
  let now = 0;
  const history = new History({ now: () => now });
  history.add("called", { call: "c", client: "ann", kind });
  return {
    history,
    found: () => findViolations(history).map(({ invariant }) => invariant),
    pass: () => {
      now += 10;
    },
  };
}

const enter = (history: History, run = "r", client = "ann"): void => history.add("entered", { call: "c", client, run });
const leave = (history: History, run = "r"): void => history.add("left", { run, how: "returned" });
const settle = (history: History, run = "r"): void => history.add("settled", { call: "c", outcome: "ok", run });
const pass = (history: History, position: number, run = "r"): void => {
  history.add("emitted", { run, position, length: 1 });
  history.add("received", { call: "c", run, position });
};

describe("findViolations", () => {
  it("finds none where a call is answered once", () => {
    const { history, found } = begin("query");
    enter(history);
    leave(history);
    settle(history);
    expect(found()).toEqual([]);
  });

  it("finds an item that is missing (I1), and one that comes twice (I2)", () => {
    const missing = begin("tracked");
    enter(missing.history);
    for (const position of [0, 2]) pass(missing.history, position);
    leave(missing.history);
    settle(missing.history);
    expect(missing.found()).toEqual(["I1"]);
    const twice = begin("tracked");
    enter(twice.history);
    for (const position of [0, 0]) pass(twice.history, position);
    leave(twice.history);
    settle(twice.history);
    expect(twice.found()).toEqual(["I2"]);
  });

  it("finds items at the end that never came (I1)", () => {
    const { history, found } = begin("untracked");
    enter(history);
    pass(history, 0);
    history.add("emitted", { run: "r", position: 1, length: 1 });
    leave(history);
    settle(history);
    expect(found()).toEqual(["I1"]);
  });

  it("finds a new run without a gap (I1), and takes one with a gap where there was a reason", () => {
    for (const told of [true, false]) {
      const { history, found } = begin("untracked");
      enter(history, "r1");
      pass(history, 0, "r1");
      history.add("left", { run: "r1", how: "stopped" });
      history.add("excuse", { client: "ann", why: "the server was killed" });
      enter(history, "r2");
      if (told) history.add("gap", { call: "c" });
      pass(history, 0, "r2");
      leave(history, "r2");
      settle(history, "r2");
      expect(found()).toEqual(told ? [] : ["I1"]);
    }
  });

  it("finds a second start and a second settlement (I3); a query's second start may have a reason, a mutation's has none", () => {
    for (const [kind, expected] of [
      ["query", []],
      ["mutation", ["I3"]],
    ] as const) {
      const { history, found } = begin(kind);
      history.add("excuse", { client: "ann", why: "the server was killed" });
      for (const run of ["r1", "r2"]) {
        enter(history, run);
        leave(history, run);
      }
      settle(history, "r2");
      expect(found()).toEqual(expected);
    }
    const { history, found } = begin("query");
    enter(history);
    leave(history);
    settle(history);
    settle(history);
    expect(found()).toEqual(["I3"]);
  });

  it("finds a success whose handler was not done (I4)", () => {
    const { history, found, pass: wait } = begin("query");
    enter(history);
    settle(history);
    wait();
    leave(history);
    expect(found()).toEqual(["I4"]);
  });

  it("finds another's context and another's item (I6)", () => {
    const context = begin("query");
    enter(context.history, "r", "bob");
    leave(context.history);
    settle(context.history);
    expect(context.found()).toContain("I6");
    const item = begin("query");
    item.history.add("settled", { call: "c", outcome: "ok", run: "nobody's" });
    expect(item.found()).toContain("I6");
  });

  it("finds what is more than it may be (I5, I7, I9), and what never ends (I8, I9)", () => {
    for (const [what, invariant] of [
      ["ahead", "I5"],
      ["kept", "I7"],
      ["left", "I9"],
    ] as const) {
      const { history, found } = begin("query");
      enter(history);
      leave(history);
      settle(history);
      history.add("measured", { what, amount: 2, most: 2 });
      expect(found()).toEqual([]);
      history.add("measured", { what, amount: 3, most: 2 });
      expect(found()).toEqual([invariant]);
    }
    const { history, found } = begin("query");
    enter(history);
    expect(found()).toEqual(["I8", "I9"]);
  });

  it("finds a loss without a reason (I10), one before the call, and any of a mutation that a store remembers", () => {
    const lose = (kind: CallKind, ...reasons: { at: number; until?: number; early?: boolean }[]): string[] => {
      const { history, found, pass: wait } = begin(kind);
      wait();
      for (const { at, ...reason } of reasons) history.add("excuse", { client: "ann", why: "killed", ...reason }, at);
      history.add("settled", { call: "c", outcome: "OUTCOME_UNKNOWN" });
      return found();
    };
    expect(lose("mutation")).toEqual(["I10"]);
    expect(lose("mutation", { at: -5 })).toEqual(["I10"]);
    expect(lose("mutation", { at: -5, until: 3 })).toEqual([]);
    expect(lose("mutation", { at: 5 })).toEqual([]);
    expect(lose("remembered", { at: 5 })).toEqual(["I10"]);
    expect(lose("remembered", { at: 5, early: true })).toEqual([]);
  });
});
