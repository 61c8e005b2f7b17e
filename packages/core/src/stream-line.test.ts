import { describe, expect, it } from "vitest";
import { StreamLine } from "./stream-line.ts";
import { FakeClock } from "./testing/index.ts";

describe("a line", () => {
  it("is shared for a second after each call that is made beside its streams", () => {
    const clock = new FakeClock();
    let calls = 7;
    const line = new StreamLine(clock, () => calls);
    expect(line.isShared).toBe(false);
    calls++;
    expect(line.isShared).toBe(true);
    clock.advance(999);
    expect(line.isShared).toBe(true);
    clock.advance(1);
    expect(line.isShared).toBe(false);
  });

  it("is shared by what is made after it, and not by what was made before", () => {
    const clock = new FakeClock();
    const line = new StreamLine(clock, () => 7);
    clock.advance(10_000);
    expect(line.isShared).toBe(false);
  });
});
