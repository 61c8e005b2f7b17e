import { describe, expect, it } from "vitest";
import { type Following, History } from "./history.ts";
import { findViolations } from "./invariants.ts";

/** A subscription of Ann's to a key, of whose events those at 1 to 3 are published. */
function follow(more: Partial<Following> = {}) {
  const history = new History({ now: () => 0 });
  const follows: Following = { keys: ["a"], every: 1, policy: "buffer", prompt: true, snapshot: "none", ...more };
  history.add("topics", { historyEvents: 2, bufferEvents: 1_000 });
  history.add("called", { call: "c", client: "ann", kind: "topic", follows });
  history.add("entered", { call: "c", client: "ann", run: "r", after: 0 });
  history.add("left", { run: "r", how: "returned" });
  history.add("started", { call: "c" });
  for (const position of [1, 2, 3]) history.add("published", { key: "a", position, length: position });
  return {
    history,
    get: (
      position: number,
      { key = "a", length = position, id }: { key?: string; length?: number; id?: number } = {},
    ) => history.add("event", { call: "c", key, position, length, ...(id !== undefined && { id: [id] }) }),
    gap: (from: number, to: number) => history.add("gap", { call: "c", from: [from], to: [to] }),
    end: (outcome = "cancelled") => {
      history.add("quiet", {});
      history.add("settled", { call: "c", outcome });
      return findViolations(history).map(({ invariant }) => invariant);
    },
  };
}

describe("findViolations, of topics,", () => {
  it("finds none where each event comes once, in order, its id with it", () => {
    const { get, end } = follow();
    for (const position of [1, 2, 3]) get(position, { id: position });
    expect(end()).toEqual([]);
  });

  it("finds an event that is missing, comes twice or too early (I11), and one that never comes (I14)", () => {
    for (const [positions, expected] of [
      [[1, 3], ["I11"]],
      [[1, 2, 2, 3], ["I11"]],
      [
        [1, 3, 2, 3],
        ["I11", "I11"],
      ],
      [[1, 2], ["I14"]],
    ] as const) {
      const { get, end } = follow();
      for (const position of positions) get(position);
      expect(end()).toEqual(expected);
    }
  });

  it("takes what a filter leaves out for no gap, and finds what it should have left out (I6)", () => {
    const even = follow({ every: 2 });
    even.get(2);
    expect(even.end()).toEqual([]);
    const odd = follow({ every: 2 });
    odd.get(1);
    odd.get(2);
    expect(odd.end()).toContain("I6");
  });

  it("finds another key's event, one that is not whole, and one with another's id (I6)", () => {
    for (const wrong of [{ key: "b" }, { length: 9 }, { id: 2 }]) {
      const { get, end } = follow();
      get(1, wrong);
      get(1);
      get(2);
      get(3);
      expect(end()).toEqual(["I6"]);
    }
  });

  it("takes a gap over what history has no more; finds one over what it has, over nothing, and over what was seen (I12)", () => {
    const gone = follow();
    gone.gap(0, 1);
    gone.get(2);
    gone.get(3);
    expect(gone.end()).toEqual([]);
    const kept = follow();
    kept.gap(0, 2);
    kept.get(3);
    expect(kept.end()).toEqual(["I12"]);
    const empty = follow();
    empty.get(1);
    empty.get(2);
    empty.get(3);
    empty.gap(3, 4);
    expect(empty.end()).toEqual(["I12"]);
    const seen = follow();
    seen.get(1);
    seen.gap(0, 1);
    seen.get(2);
    seen.get(3);
    expect(seen.end()).toEqual(["I12"]);
  });

  it("takes any skipping for a subscription that wants the newest alone, and the end of one that wants to end where it is slow", () => {
    const latest = follow({ policy: "latest" });
    latest.gap(0, 2);
    latest.get(3);
    expect(latest.end()).toEqual([]);
    for (const [policy, bufferEvents, expected] of [
      ["close", 2, []],
      ["close", 1_000, ["I10"]],
      ["buffer", 2, ["I10"]],
    ] as const) {
      const { history } = follow({ policy });
      history.add("topics", { historyEvents: 2, bufferEvents });
      history.add("settled", { call: "c", outcome: "TOO_MANY_REQUESTS" });
      expect(findViolations(history).map(({ invariant }) => invariant)).toEqual(expected);
    }
  });

  it("takes a new beginning that was told where there was a reason; finds one without a reason (I10), and one that was not told (I11)", () => {
    for (const [told, excused, expected] of [
      [true, true, []],
      [true, false, ["I3", "I10"]],
      [false, true, ["I11"]],
    ] as const) {
      const { history, get, end } = follow();
      if (excused) history.add("excuse", { client: "ann", why: "the server was killed" });
      history.add("entered", { call: "c", client: "ann", run: "r2", after: 2 });
      history.add("left", { run: "r2", how: "returned" });
      if (told) history.add("gap", { call: "c" });
      history.add("started", { call: "c" });
      get(3);
      expect(end()).toEqual(expected);
    }
  });

  it("finds an event that comes before an item that was sent earlier, and one that comes after an item that was sent later (I13)", () => {
    for (const [order, expected] of [
      [["event", "item", "late event"], []],
      [["event", "late event", "item"], ["I13"]],
      [["item", "event", "late event"], ["I13"]],
    ] as const) {
      const { history, get, end } = follow();
      history.add("calm", {});
      history.add("called", { call: "g", client: "ann", kind: "untracked" });
      history.add("entered", { call: "g", client: "ann", run: "gr" });
      history.add("emitted", { run: "gr", position: 0, length: 0, end: 2 });
      history.add("passed", { run: "gr", position: 0, end: 2 });
      history.add("left", { run: "gr", how: "returned" });
      for (const what of order) {
        if (what === "item") history.add("received", { call: "g", run: "gr", position: 0 });
        else if (what === "late event") get(3);
        else for (const position of [1, 2]) get(position);
      }
      history.add("settled", { call: "g", outcome: "ok" });
      expect(end()).toEqual(expected);
    }
  });

  it("finds an event of one of several keys that is missing (I16), whatever came of the others, and one that never comes (I14)", () => {
    for (const [positions, expected] of [
      [[4, 1, 2, 5, 3], []],
      [[4, 1, 3, 5], ["I16"]],
      [[4, 1, 2, 3], ["I14"]],
    ] as const) {
      const { history, get, end } = follow({ keys: ["a", "b"] });
      for (const position of [4, 5]) history.add("published", { key: "b", position, length: position });
      for (const position of positions) get(position, { key: position > 3 ? "b" : "a" });
      expect(end()).toEqual(expected);
    }
  });

  it("finds an id of several keys that says of one of them what is not so (I16)", () => {
    for (const [id, expected] of [
      [[1, 0], []],
      [[1, 3], []],
      [[1, 4], ["I16"]],
    ] as const) {
      const { history, get, end } = follow({ keys: ["a", "b"] });
      history.add("published", { key: "b", position: 4, length: 4 });
      history.add("event", { call: "c", key: "a", position: 1, length: 1, id });
      for (const position of [2, 3]) get(position);
      get(4, { key: "b" });
      expect(end()).toEqual(expected);
    }
  });

  it("takes a snapshot for what its id says; finds one that has more or less, comes when it need not or does not come (I17)", () => {
    for (const [snapshots, expected] of [
      [[{ counts: [2], id: [2] }], []],
      [[{ counts: [2], id: [1] }], ["I17", "I11"]],
      [[], ["I17", "I11", "I17"]],
      [
        [
          { counts: [1], id: [1] },
          { counts: [2], id: [2] },
        ],
        ["I17"],
      ],
    ] as const) {
      const { history, get, end } = follow({ snapshot: "first" });
      for (const snapshot of snapshots) history.add("snapshot", { call: "c", ...snapshot });
      get(3);
      expect(end()).toEqual(expected);
    }
  });

  it("takes any gap where something is gone for one that a snapshot makes up for, and finds none after it (I17)", () => {
    const { history, gap, end } = follow({ snapshot: "after a gap" });
    gap(0, 3);
    history.add("snapshot", { call: "c", counts: [3], id: [3] });
    expect(end()).toEqual([]);
    const without = follow({ snapshot: "after a gap" });
    without.gap(0, 3);
    expect(without.end()).toEqual(["I17"]);
  });

  it("takes a gap where a log was lost or its history cut; finds an event after a loss that was not told (I18)", () => {
    for (const [told, expected] of [
      [true, []],
      [false, ["I18"]],
    ] as const) {
      const { history, get, gap, end } = follow();
      for (const position of [1, 2, 3]) get(position);
      history.add("lost", { key: "a", position: 100 });
      history.add("published", { key: "a", position: 101, length: 101 });
      if (told) gap(3, 100);
      get(101);
      expect(end()).toEqual(expected);
    }
    const cut = follow();
    cut.history.add("trimmed", { key: "a", position: 2 });
    cut.gap(0, 2);
    cut.get(3);
    expect(cut.end()).toEqual([]);
  });

  it("finds what comes after the end (I3), and work that is done for nobody (I15)", () => {
    const { history, get, end } = follow();
    for (const position of [1, 2, 3]) get(position);
    expect(end()).toEqual([]);
    get(3);
    history.add("measured", { what: "idle events sent", amount: 1, most: 0 });
    expect(findViolations(history).map(({ invariant }) => invariant)).toEqual(["I3", "I15", "I11"]);
  });
});
