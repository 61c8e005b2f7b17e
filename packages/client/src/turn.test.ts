import { FakeClock } from "@tautline/core/testing";
import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { createTurn, turningClock } from "./turn.ts";

/** What comes first: a turn, or a promise's reactions however many follow each other. */
async function firstOf(turn: () => Promise<void>): Promise<string[]> {
  const order: string[] = [];
  const turned = turn().then(() => order.push("turn"));
  for (let reaction = 0; reaction < 1_000; reaction++) await Promise.resolve();
  order.push("reactions");
  await turned;
  return order;
}

const { MessageChannel } = globalThis as unknown as Parameters<typeof createTurn>[0];

describe("a turn", () => {
  it.each([
    ["setImmediate", { setImmediate, MessageChannel }],
    ["a MessageChannel, where there is no setImmediate", { MessageChannel }],
  ])("is one of the host's event loop, by %s", async (_, host) => {
    expect(await firstOf(createTurn(host))).toEqual(["reactions", "turn"]);
  });

  it("comes to all who wait, in their order", async () => {
    const turn = createTurn({ MessageChannel });
    const order: number[] = [];
    await Promise.all([1, 2, 3].map((number) => turn().then(() => order.push(number))));
    expect(order).toEqual([1, 2, 3]);
  });

  it("is the clock's own where it has turns", async () => {
    const clock = new FakeClock();
    let turned = false;
    void turningClock(clock)
      .turn()
      .then(() => {
        turned = true;
      });
    await firstOf(turningClock(systemClock).turn);
    expect(turned).toBe(false);
    clock.advance(0);
    await Promise.resolve();
    expect(turned).toBe(true);
  });
});
