import { TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { AcceptorSetup, type Context } from "../testing/acceptor-setup.ts";
import { settled } from "../testing/memory-client.ts";

describe("new credentials", () => {
  test("make the context of the calls to come, not of those that run", async () => {
    const setup = new AcceptorSetup({ identify: () => "one" });
    const client = await setup.open({ params: { user: "ada" } });
    await client.send([7, { user: "ada of now" }]);
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toEqual([[8], [20, 1, "ada of now"]]);
    expect(setup.types).toEqual(["opened"]);
  });

  test("of another are refused with FORBIDDEN, and change nothing", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open({ params: { user: "ada" } });
    await client.send([7, { user: "bob" }]);
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toMatchObject([
      [8, { data: { code: "FORBIDDEN" } }],
      [20, 1, "ada"],
    ]);
    expect(client.closed).toBeUndefined();
  });

  test("that createContext throws on, or cannot read, are refused, and change nothing", async () => {
    const errors: string[] = [];
    const setup = new AcceptorSetup({
      createContext: ({ info }): Context => {
        if (info.connectionParams?.["user"] === "bad")
          throw new TRPCError({ code: "UNAUTHORIZED", message: "expired" });
        return { user: info.connectionParams?.["user"] };
      },
      onError: ({ error }) => errors.push(error.code),
    });
    const client = await setup.open({ params: { user: "ada" } });
    await client.send([7, { user: "bad" }]);
    await client.send([7, 5]);
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toMatchObject([
      [8, { message: "expired", data: { code: "UNAUTHORIZED" } }],
      [8, { data: { code: "PARSE_ERROR" } }],
      [20, 1, "ada"],
    ]);
    expect(errors).toEqual(["UNAUTHORIZED", "PARSE_ERROR"]);
  });

  test("before the welcome close with 4400", async () => {
    const setup = new AcceptorSetup();
    const client = setup.connect();
    await client.send([0, 1, {}], [7, {}]);
    expect(client.closed?.code).toBe(4400);
  });

  test("are answered one after the other, in their order, and the last ones count", async () => {
    const contexts: ((user: string) => void)[] = [];
    const setup = new AcceptorSetup({
      createContext: ({ info }): Context | Promise<Context> => {
        if (info.connectionParams?.["user"] === undefined) return { user: undefined };
        return new Promise((resolve) => contexts.push((user) => resolve({ user })));
      },
      identify: () => "one",
    });
    const client = await setup.open();
    await client.send([7, { user: "a" }], [7, { user: "b" }]);
    expect(contexts).toHaveLength(1);
    contexts[0]?.("first");
    await settled();
    contexts[1]?.("second");
    await settled();
    await client.send([10, 1, "who", {}]);
    expect(client.messages.slice(1)).toEqual([[8], [8], [20, 1, "second"]]);
  });

  test("of a connection that is gone meanwhile do not count: those of the newer one do", async () => {
    const contexts: ((user: string) => void)[] = [];
    const setup = new AcceptorSetup({
      createContext: ({ info }): Context | Promise<Context> => {
        if (info.connectionParams?.["user"] !== "slow") return { user: info.connectionParams?.["user"] };
        return new Promise((resolve) => contexts.push((user) => resolve({ user })));
      },
      identify: () => "one",
    });
    const first = await setup.open();
    await first.send([7, { user: "slow" }]);
    await first.cut();
    const second = await setup.resume(first.welcome?.token, 0, { user: "newer" });
    contexts[0]?.("older");
    await settled();
    await second.send([5, 0], [10, 1, "who", {}]);
    expect(second.of(20)).toEqual([[20, 1, "newer"]]);
    expect(second.of(8)).toEqual([]);
  });

  test("are taken 16 at a time: more close with 4400", async () => {
    const setup = new AcceptorSetup({
      createContext: ({ info }): Context | Promise<Context> =>
        info.connectionParams?.["user"] === "slow" ? new Promise(() => {}) : { user: undefined },
    });
    const client = await setup.open();
    await client.send(...Array.from({ length: 16 }, () => [7, { user: "slow" }]));
    expect(client.closed).toBeUndefined();
    await client.send([7, {}]);
    expect(client.closed?.code).toBe(4400);
  });

  test("that take too long are refused with TIMEOUT", async () => {
    const setup = new AcceptorSetup({
      createContext: ({ info }): Context | Promise<Context> =>
        info.connectionParams?.["user"] === "slow" ? new Promise(() => {}) : { user: undefined },
      helloTimeoutMs: 1_000,
    });
    const client = await setup.open();
    await client.send([7, { user: "slow" }]);
    setup.clock.advance(999);
    await settled();
    expect(client.of(8)).toEqual([]);
    setup.clock.advance(1);
    await settled();
    expect(client.of(8)).toMatchObject([[8, { data: { code: "TIMEOUT" } }]]);
    expect(client.closed).toBeUndefined();
  });
});
