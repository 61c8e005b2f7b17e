import { describe, expect, test } from "vitest";
import { OutgoingStream } from "./outgoing-stream.ts";

/** A stream whose items have frames of this length, and what it tells of how far its receiver has come. */
function createStream(frameLength: number) {
  const told: number[] = [];
  const link = {
    sendItem: () => frameLength,
    sendEnd: () => {},
    drained: () => undefined,
    onTaken: ({ taken }: OutgoingStream) => told.push(taken),
    onOver: () => {},
  };
  return { told, stream: new OutgoingStream(link, { number: 1, size: undefined, granted: 0 }) };
}

describe("a stream that is sent", () => {
  test("tells what its receiver has taken, however far ahead it is let be", () => {
    const { told, stream } = createStream(65_560);
    stream.onCredit(262_144, 0);
    for (let item = 0; item < 4; item++) stream.sendItem("", 65_536);
    // The window is wider now.
    stream.onCredit(65_560 + 524_288, 65_560);
    stream.onCredit(2 * 65_560 + 524_288, 2 * 65_560);
    expect(told).toEqual([65_536, 2 * 65_536]);
  });

  test("tells of small items, which count more than they are, about what was taken", () => {
    const { told, stream } = createStream(20);
    stream.onCredit(262_144, 0);
    for (let item = 0; item < 1_000; item++) stream.sendItem("");
    stream.onCredit(300_000, 500 * 256);
    expect(told).toEqual([10_000]);
  });

  test("says nothing twice, and at last that all was taken", () => {
    const { told, stream } = createStream(2_000);
    stream.onCredit(262_144, 0);
    for (let item = 0; item < 3; item++) stream.sendItem("", 1_900);
    stream.onCredit(262_145, 2_000);
    stream.onCredit(262_146, 2_000);
    stream.onAllTaken();
    expect(told).toEqual([1_900, 5_700]);
  });

  test("refuses that more was taken than was sent", () => {
    const { stream } = createStream(2_000);
    stream.onCredit(262_144, 0);
    stream.sendItem("", 1_900);
    expect(() => stream.onCredit(300_000, 2_001)).toThrow(expect.objectContaining({ code: "BAD_MESSAGE" }));
  });
});
