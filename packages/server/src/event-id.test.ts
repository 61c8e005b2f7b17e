import { describe, expect, test } from "vitest";
import { formatPosition, PositionList, parsePosition } from "./event-id.ts";

describe("an event's id", () => {
  test("is read as the position that it was made of", () => {
    for (const position of [
      { epoch: "a", offset: 0 },
      { epoch: "a-_9Z", offset: Number.MAX_SAFE_INTEGER },
    ])
      expect(parsePosition(formatPosition(position))).toEqual(position);
  });

  test.each([
    "",
    "a",
    ".1",
    "a.",
    "a.1.2",
    "a.-1",
    "a.1e3",
    "a.9007199254740993",
    "a b.1",
    `${"a".repeat(65)}.1`,
    "a.1\n",
  ])("is none where it is %j", (id) => expect(parsePosition(id)).toBeUndefined());
});

describe("an id for several keys", () => {
  const list = new PositionList(["a", "b", "c"]);
  const positions = [
    { epoch: "x", offset: 1 },
    { epoch: "x", offset: 20 },
    { epoch: "y", offset: 0 },
  ];

  test("is read as the positions that it was made of, and names an epoch once", () => {
    const id = list.format(positions);
    expect(list.parse(id)).toEqual(positions);
    expect(id).toMatch(/^[\w-]{12};x\.1;\.20;y\.0$/);
  });

  test("is none for other keys, nor where it was changed", () => {
    const id = list.format(positions);
    expect(new PositionList(["a", "b", "d"]).parse(id)).toBeUndefined();
    const start = id.slice(0, 13);
    for (const wrong of ["", "x.1", `${start}x.1;x.2`, `${start}.1;x.2;x.3`, `${id};x.1`, `${start}x.1;x.2;x`])
      expect(list.parse(wrong)).toBeUndefined();
  });
});
