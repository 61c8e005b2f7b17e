import { TautlineError } from "@tautline/core";
import { initTRPC, TRPCError } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { AcceptorSetup, type Context } from "../testing/acceptor-setup.ts";

const generic = { message: "Internal server error", data: { code: "INTERNAL_SERVER_ERROR" } };

/** A client whose createContext threw this. */
async function refusedWith(thrown: unknown, options: ConstructorParameters<typeof AcceptorSetup>[0] = {}) {
  const setup = new AcceptorSetup({
    createContext: () => {
      throw thrown;
    },
    ...options,
  });
  const client = setup.connect();
  await client.send([0, 1, {}]);
  return client;
}

describe("what createContext throws", () => {
  test("refuses with the code and message of a TautlineError too", async () => {
    const client = await refusedWith(new TautlineError({ code: "UNAUTHORIZED", message: "expired" }));
    expect(client.of(2)).toMatchObject([[2, { message: "expired", data: { code: "UNAUTHORIZED" } }]]);
    expect(client.closed).toEqual({ code: 4401, reason: "UNAUTHORIZED" });
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["an object that chokes on being read", new Proxy({}, { get: () => fail(), has: () => fail() })],
    ["an error named TRPCError without a code", Object.assign(new Error("secret"), { name: "TRPCError" })],
    [
      "one with a code of its own",
      Object.assign(new Error("secret"), { name: "TRPCError", code: "\u00e9".repeat(200) }),
    ],
    [
      "one whose code throws",
      Object.defineProperty(new TRPCError({ code: "CONFLICT" }), "code", { get: () => fail() }),
    ],
  ])("refuses, and ends nothing else: %s", async (_name, thrown) => {
    const client = await refusedWith(thrown);
    expect(client.of(2)).toMatchObject([[2, { data: { code: "INTERNAL_SERVER_ERROR" } }]]);
    expect(JSON.stringify(client.of(2))).not.toContain("secret");
    expect(client.closed).toEqual({ code: 4500, reason: "INTERNAL_SERVER_ERROR" });
  });
});

test.each<[string, ConstructorParameters<typeof AcceptorSetup>[0]]>([
  ["identify that throws", { identify: () => fail() }],
  ["identify that gives what is no text", { identify: () => 1n as never }],
  [
    "a store whose name throws",
    {
      idempotency: {
        get name() {
          return fail();
        },
        claim: () => Promise.resolve(undefined),
        settle: () => Promise.resolve(),
      },
    },
  ],
])("%s refuses, and onError hears of it", async (_name, options) => {
  const errors: string[] = [];
  const setup = new AcceptorSetup({ ...options, onError: ({ error }) => errors.push(error.code) });
  const client = setup.connect();
  await client.send([0, 1, { client: "ann" }], [11, 1, "wait", {}, "a"]);
  expect([client.of(2), client.closed?.code]).toMatchObject([[[2, generic]], 4500]);
  expect([errors, setup.started, setup.types]).toEqual([["INTERNAL_SERVER_ERROR"], [], []]);
  expect([setup.acceptor.connections, setup.acceptor.parkedSessions]).toEqual([0, 0]);
});

describe("a formatter whose shapes cannot be sent", () => {
  const t = initTRPC.context<Context>().create({
    errorFormatter: ({ shape }) => ({ ...shape, data: { ...shape.data, id: 1n } }),
  });
  const router = t.router({ who: t.procedure.query(() => "ada") });

  test("has refusals sent without it", async () => {
    const client = await refusedWith(new TRPCError({ code: "FORBIDDEN" }), { router });
    expect(client.of(2)).toMatchObject([[2, generic]]);
    expect(client.closed?.code).toBe(4403);
  });

  test("has new credentials refused without it, and those after them taken", async () => {
    const errors: string[] = [];
    const client = await new AcceptorSetup({ router, onError: ({ error }) => errors.push(error.code) }).open();
    await client.send([7, { user: "bob" }], [7, {}]);
    expect(client.of(8)).toMatchObject([[8, generic], [8]]);
    expect(errors).toEqual(["FORBIDDEN", "INTERNAL_SERVER_ERROR"]);
  });

  test("does not keep a server from closing", async () => {
    const setup = new AcceptorSetup({ router });
    const client = setup.connect();
    await setup.acceptor.close(1_000);
    await client.send([0, 1, {}]);
    expect([client.of(2), client.closed?.code]).toMatchObject([[[2, generic]], 1001]);
  });
});

function fail(): never {
  throw new Error("from a trap");
}
