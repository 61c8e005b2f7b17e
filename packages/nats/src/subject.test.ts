import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromToken, TopicSubjects, toToken } from "./subject.ts";

describe("a token", () => {
  test("is the text itself where NATS reads nothing into it", () => {
    expect(["lobby", "user_7-a", "0"].map(toToken)).toEqual(["lobby", "user_7-a", "0"]);
  });

  test("is one token for any text, and no other's, and says which", () => {
    const texts = fc.uniqueArray(fc.string({ unit: "grapheme", maxLength: 30 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(texts, (all) => {
        const tokens = all.map(toToken);
        expect(new Set(tokens).size).toBe(all.length);
        expect(tokens.map(fromToken)).toEqual(all);
        for (const token of tokens) expect(token).toMatch(/^[\w=-]+$/);
      }),
    );
  });
});

test("what was stored under a subject is told under the one that its key is followed by", () => {
  for (const topic of ["rooms", "my.rooms", ""]) {
    const subjects = new TopicSubjects("tautline", topic);
    for (const key of ["lobby", "a.b", ""]) {
      expect(subjects.toLive(subjects.event(key))).toBe(subjects.liveEvent(key));
      expect(subjects.event(key).startsWith(subjects.all.slice(0, -1))).toBe(true);
      expect(subjects.mark(key)).not.toBe(subjects.event(key));
    }
  }
});
