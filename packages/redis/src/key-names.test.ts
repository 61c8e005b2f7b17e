import { expect, test } from "vitest";
import { idName, logNames } from "./key-names.ts";

test("what is kept of an event's id is called like no log, whatever its key is spelt like", () => {
  const names = logNames("tautline", 0, "rooms", "lobby");
  const name = idName(names, "1");
  // Of the key that would have a log of that name, were it in the same shard.
  const { log, shard } = logNames("tautline", 0, "rooms", name.slice(names.log.length - "lobby".length));
  expect(name).not.toBe(log.replace(shard, names.shard));
});

test("no two ids of any keys have the same name", () => {
  const ids = [
    ["a", "b:1"],
    ["a:1", "b"],
    ["a:1:b", "1"],
    ["a", "1:b:1"],
    ["", "a"],
    ["a", ""],
  ] as const;
  const names = ids.map(([key, id]) => idName(logNames("tautline", 0, "rooms", key), id));
  expect(new Set(names.map((name) => name.replaceAll(/\{\d+\}/g, ""))).size).toBe(ids.length);
});
