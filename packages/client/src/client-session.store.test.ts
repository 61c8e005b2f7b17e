import { messageType } from "@tautline/core/internals";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ClientSetup, type Line } from "../testing/client-setup.ts";

describe("a store of mutations", () => {
  const sentAgain = (line: Line): readonly unknown[] =>
    line.came.filter(([type]) => type === messageType.mutation).map(([, id, , fields]) => [id, fields]);

  /** A mutation that was sent in a session which has had these welcomes, and is lost. */
  async function loseSession(...stores: readonly (string | undefined)[]): Promise<ClientSetup> {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const setup = new ClientSetup();
    setup.save("a");
    await setup.line();
    for (const [index, store] of stores.entries()) {
      await setup.welcome({ token: "t", windowMs: 60_000, store, received: index === 0 ? undefined : 1 });
      setup.last.cut();
      await setup.line();
    }
    vi.setSystemTime(1_005_000);
    await setup.welcome({ token: "u", windowMs: 60_000, store: "next" });
    return setup;
  }

  test("is asked about a mutation of a lost session: by its first id, and by what the session's last welcome said", async () => {
    const { last, outcomes } = await loseSession("first", "last");
    expect(sentAgain(last)).toEqual([[3, { firstId: 2, store: "last", ageMs: 5_000 }]]);
    expect(outcomes).toEqual([]);
  });

  test("is asked about the first time that it was sent, however often it was sent again", async () => {
    const setup = await loseSession("first");
    setup.last.cut();
    await setup.line();
    vi.setSystemTime(1_007_000);
    await setup.welcome({ token: "v", windowMs: 60_000 });
    expect(sentAgain(setup.last)).toEqual([[4, { firstId: 2, store: "first", ageMs: 7_000 }]]);
    expect(setup.outcomes).toEqual([]);
  });

  test("is asked in the frame of the hello, before any welcome: the server decides", async () => {
    const setup = new ClientSetup();
    setup.save("a");
    await setup.line();
    await setup.welcome({ token: "t", windowMs: 1_000, store: "store" });
    setup.network.reachable = false;
    setup.last.cut();
    await setup.network.advance(1_100);
    setup.network.reachable = true;
    const line = await setup.line();
    expect(line.came.map(([type]) => type)).toEqual([messageType.hello, messageType.mutation]);
  });

  test("is none where the last welcome named none", async () => {
    const { last, outcomes } = await loseSession("first", undefined);
    expect(sentAgain(last)).toEqual([]);
    expect(outcomes).toEqual([["a", "OUTCOME_UNKNOWN"]]);
  });

  test("is none where no welcome came: the mutation may have run anywhere", async () => {
    const setup = new ClientSetup();
    const expire = async (): Promise<void> => {
      setup.network.reachable = false;
      setup.last.cut();
      await setup.network.advance(1_100);
      setup.network.reachable = true;
      await setup.line();
    };
    setup.client.connection.connect();
    await setup.line();
    await setup.welcome({ token: "t", windowMs: 1_000, store: "one" });
    await expire();
    setup.save("a");
    await setup.network.advance(2);
    expect(sentAgain(setup.last)).toEqual([[1, {}]]);
    await expire();
    await setup.welcome({ token: "u", windowMs: 1_000, store: "one" });
    expect(sentAgain(setup.last)).toEqual([]);
    expect(setup.outcomes).toEqual([["a", "OUTCOME_UNKNOWN"]]);
  });
});
