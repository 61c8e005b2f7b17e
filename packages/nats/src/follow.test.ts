import type { Position, PositionGap, StoredEvent } from "@tautline/server";
import { describe, expect, test } from "vitest";
import { Follow } from "./follow.ts";

function at(offset: number, epoch = "e"): Position {
  return { epoch, offset };
}

function event(offset: number, epoch = "e"): StoredEvent {
  return { position: at(offset, epoch), text: `${offset}` };
}

class Witness {
  readonly heard: string[] = [];
  behind = 0;
  closed = 0;
  readonly follow: Follow = new Follow(this, "key", this);
  #onHeard: (text: string) => void = () => {};

  set onHeard(onHeard: (text: string) => void) {
    this.#onHeard = onHeard;
  }

  onBehind(): void {
    this.behind++;
  }

  onClosed(): void {
    this.closed++;
  }

  onStarted({ offset }: Position): void {
    this.heard.push(`started ${offset}`);
  }

  onEvent({ text }: StoredEvent): void {
    this.heard.push(text);
    this.#onHeard(text);
  }

  onGap({ from, to }: PositionGap): void {
    this.heard.push(`gap ${from.epoch}${from.offset} ${to.epoch}${to.offset}`);
  }
}

function started(offset: number): Witness {
  const witness = new Witness();
  witness.follow.start(at(offset));
  witness.heard.length = 0;
  return witness;
}

describe("a follow", () => {
  test("passes on what joins on to what it has, once", () => {
    const { follow, heard, behind } = started(4);
    for (const [offset, previous] of [
      [4, 2],
      [7, 3],
      [7, 3],
      [9, 7],
    ] as const)
      follow.onLive(event(offset), previous);
    expect([heard, behind]).toEqual([["7", "9"], 0]);
  });

  test("is behind where something before was not heard, and live again when it has all that came meanwhile", () => {
    const witness = started(4);
    const { follow, heard } = witness;
    follow.onLive(event(9), 7);
    follow.onLive(event(11), 9);
    expect([witness.behind, heard, follow.state]).toEqual([1, [], "behind"]);
    follow.onPage({ gap: undefined, events: [event(7), event(9)], end: at(9) });
    follow.onPage({ gap: undefined, events: [], end: at(9) });
    expect(follow.state).toBe("behind");
    follow.onPage({ gap: undefined, events: [event(11)], end: at(11) });
    follow.onPage({ gap: undefined, events: [], end: at(11) });
    follow.onLive(event(12), 11);
    expect([heard, follow.state]).toEqual([["7", "9", "11", "12"], "live"]);
  });

  test("is behind from the first where something came while it started that is after its beginning", () => {
    const early = new Witness();
    early.follow.onLive(event(5), 0);
    early.follow.start(at(5));
    expect([early.heard, early.behind]).toEqual([["started 5"], 0]);
    const late = new Witness();
    late.follow.onLive(event(6), 5);
    late.follow.start(at(5));
    expect([late.heard, late.behind]).toEqual([["started 5"], 1]);
  });

  test("passes a gap on, and goes on in another epoch", () => {
    const witness = started(40);
    const { follow, heard } = witness;
    follow.onLive(event(2, "f"), 1);
    follow.onPage({ gap: { from: at(40), to: at(0, "f") }, events: [event(1, "f"), event(2, "f")], end: at(2, "f") });
    follow.onPage({ gap: undefined, events: [], end: at(2, "f") });
    follow.onLive(event(3, "f"), 2);
    expect([heard, follow.state]).toEqual([["gap e40 f0", "1", "2", "3"], "live"]);
  });

  test("reads once, and not for ever, where something of an older epoch comes late", () => {
    const witness = started(2);
    const { follow, heard } = witness;
    follow.onLive(event(90, "old"), 89);
    follow.onPage({ gap: undefined, events: [], end: at(2) });
    follow.onLive(event(3), 2);
    expect([heard, follow.state, witness.behind]).toEqual([["3"], "live", 1]);
  });

  test("hears nothing more once it is closed, also by whoever hears an event", () => {
    const witness = started(0);
    const { follow, heard } = witness;
    follow.onLive(event(2), 1);
    witness.onHeard = () => follow.close();
    follow.onPage({ gap: undefined, events: [event(1), event(2)], end: at(2) });
    follow.onLive(event(3), 2);
    follow.close();
    expect([heard, follow.state, witness.closed]).toEqual([["1"], "closed", 1]);
  });

  test("hears of no gap in a page that comes when it is closed", () => {
    const { follow, heard } = started(0);
    follow.onLive(event(5), 4);
    follow.close();
    follow.onPage({ gap: { from: at(0), to: at(4) }, events: [event(5)], end: at(5) });
    expect([heard, follow.state]).toEqual([[], "closed"]);
  });
});
