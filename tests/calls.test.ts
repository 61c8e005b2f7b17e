import { createClient } from "@tautline/client";
import type { ServeOptions, TautlineServer } from "@tautline/server";
import { initTRPC, lazy } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { createGate, type Gate } from "./fixture/gate.ts";
import { openGreeted, type RawClient } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { countingRouter, expectNoLeak, startWitness, type Witness } from "./fixture/witness.ts";

cleanUpAfterEach();

const t = initTRPC.create();
let gate: Gate<string> = createGate<string>();
let started = 0;
let produced = 0;
const floodItem = "x".repeat(50_000);

const router = t.mergeRouters(
  countingRouter,
  t.router({
    echo: t.procedure.input((input: unknown) => input).query(({ input }) => input),
    save: t.procedure.mutation(() => "saved"),
    crash: t.procedure.query(() => {
      throw new Error("secret crash");
    }),
    numbers: t.procedure.input(z.array(z.number())).query(({ input }) => input.length),
    wait: t.procedure.mutation(() => {
      started++;
      return gate.opened;
    }),
    waitForItems: t.procedure.subscription(async function* () {
      started++;
      yield await gate.opened;
    }),
    flood: t.procedure.subscription(async function* () {
      for (;;) {
        produced++;
        yield floodItem;
      }
    }),
    repeat: t.procedure.input(z.number()).query(({ input }) => "ü".repeat(input)),
    nested: { deep: t.procedure.query(() => "deep") },
    lazy: lazy(async () => t.router({ hello: t.procedure.query(() => "hello") })),
  }),
);
type Router = typeof router;

interface Setup {
  readonly server: TautlineServer;
  readonly witness: Witness;
  readonly raw: RawClient;
}

async function start(options: Partial<ServeOptions<Router>> = {}): Promise<Setup> {
  gate = createGate<string>();
  started = 0;
  produced = 0;
  const server = await startServer<Router>({ router, onError: () => {}, ...options });
  return { server, witness: await startWitness(server.url), raw: await openGreeted(server.url) };
}

describe("a frame of many calls", () => {
  it("has each call answered by itself, however the others end", async () => {
    const { raw, witness } = await start();
    raw.send(
      [10, 1, "echo", {}, "first"],
      [10, 2, "nowhere", {}],
      [10, 3, "crash", {}],
      [10, 4, "numbers", {}, "no"],
      [11, 5, "echo", {}],
      [12, 6, "counter", {}],
      [13, 6],
      [11, 7, "wait", {}],
      [13, 7],
      [10, 8, "lazy.hello", {}],
      [11, 9, "save", {}],
    );
    expect(await raw.message(20, 1)).toEqual([20, 1, "first"]);
    for (const [id, code] of [
      [2, "NOT_FOUND"],
      [3, "INTERNAL_SERVER_ERROR"],
      [4, "BAD_REQUEST"],
      [5, "BAD_REQUEST"],
    ] as const) {
      expect(await raw.message(21, id)).toMatchObject([21, id, { data: { code } }]);
    }
    expect(await raw.message(20, 8)).toEqual([20, 8, "hello"]);
    expect(await raw.message(20, 9)).toEqual([20, 9, "saved"]);
    gate.open("too late");
    await witness.check();
    const settled = raw.messages().map((message) => (message as [number, number])[1]);
    expect(settled.filter((id) => id === 7)).toEqual([]);
    expectNoLeak(raw);
  });

  it("answers bad input in a few words, however bad it is", async () => {
    const { raw, witness } = await start();
    raw.send([10, 1, "numbers", {}, [1]]);
    raw.send([10, 2, "numbers", {}, Array.from({ length: 10_000 }, () => "bad")]);
    raw.send([10, 3, "numbers", {}, [1, 2]]);
    expect(await raw.message(20, 1)).toEqual([20, 1, 1]);
    expect(await raw.message(20, 3)).toEqual([20, 3, 2]);
    const error = await raw.message(21, 2);
    expect(error).toMatchObject([21, 2, { data: { code: "BAD_REQUEST" } }]);
    expect(JSON.stringify(error).length).toBeLessThan(16_000);
    await witness.check();
  });
});

describe("a path", () => {
  const unknown =
    `nowhere . .. echo. .echo echo.query ECHO nested nested..deep nested.deep.er nested/deep échо _def createCaller then
    __proto__ constructor prototype toString hasOwnProperty nested.__proto__ nested.constructor _def.procedures.echo
    lazy lazy. lazy.nowhere lazy.__proto__`.split(/\s+/);

  it.each([...unknown, "", " echo", "echo\u0000", "\ud800", "x".repeat(10_000)])(
    "that is unknown is not found: %j",
    async (path) => {
      const { raw, witness } = await start();
      for (const [type, id] of [
        [10, 1],
        [11, 2],
        [12, 3],
      ])
        raw.send([type, id, path, {}]);
      raw.send([10, 4, "echo", {}, "still here"]);
      for (const [id, type] of [
        [1, "query"],
        [2, "mutation"],
        [3, "subscription"],
      ] as const) {
        const error = await raw.message(21, id);
        expect(error).toEqual([
          21,
          id,
          {
            message: `No "${type}"-procedure on path "${path.slice(0, 200)}"`,
            code: -32_004,
            data: { code: "NOT_FOUND", httpStatus: 404, path },
          },
        ]);
      }
      expect(await raw.message(20, 4)).toEqual([20, 4, "still here"]);
      await witness.check();
      expectNoLeak(raw);
    },
  );

  const names = { 10: "query", 11: "mutation", 12: "subscription" } as const;
  const wrong: readonly [called: keyof typeof names, is: keyof typeof names, path: string][] = [
    [10, 11, "save"],
    [10, 12, "counter"],
    [11, 10, "echo"],
    [11, 12, "counter"],
    [12, 10, "echo"],
    [12, 11, "save"],
  ];

  it.each(wrong)("called as %i that is a %i is a bad request: %s", async (called, is, path) => {
    const { raw, witness } = await start();
    raw.send([called, 1, path, {}]);
    expect(await raw.message(21, 1)).toMatchObject([
      21,
      1,
      { message: `"${path}" is a ${names[is]}, not a ${names[called]}`, data: { code: "BAD_REQUEST" } },
    ]);
    await witness.check();
  });
});

describe("a limit", () => {
  it("on queries and mutations refuses those over it, starts none of them, and frees its places", async () => {
    const { raw, witness } = await start({ maxCalls: 3 });
    raw.send(...[1, 2, 3, 4, 5].map((id) => [11, id, "wait", {}]), [10, 6, "echo", {}]);
    for (const id of [4, 5, 6]) {
      expect(await raw.message(21, id)).toMatchObject([21, id, { data: { code: "TOO_MANY_REQUESTS" } }]);
    }
    expect(started).toBe(3);
    raw.send([13, 1]);
    raw.send([10, 7, "echo", {}, "again"]);
    expect(await raw.message(20, 7)).toEqual([20, 7, "again"]);
    gate.open("done");
    expect(await raw.message(20, 3)).toEqual([20, 3, "done"]);
    await witness.check();
  });

  it("on subscriptions is one of its own", async () => {
    const { raw, witness } = await start({ maxSubscriptions: 2, maxCalls: 1 });
    raw.send(...[1, 2, 3].map((id) => [12, id, "waitForItems", {}]), [10, 4, "echo", {}, "a query"]);
    expect(await raw.message(21, 3)).toMatchObject([21, 3, { data: { code: "TOO_MANY_REQUESTS" } }]);
    expect(await raw.message(20, 4)).toEqual([20, 4, "a query"]);
    expect(started).toBe(2);
    raw.send([13, 1]);
    raw.send([12, 5, "waitForItems", {}]);
    await raw.message(22, 5);
    gate.open("item");
    expect(await raw.message(23, 5)).toEqual([23, 5, "item"]);
    await witness.check();
  });

  it("of 1,000 calls holds against 4,000 in one frame", async () => {
    const { raw, witness } = await start();
    raw.send(...Array.from({ length: 4_000 }, (_, index) => [11, index + 1, "wait", {}]));
    await raw.message(21, 4_000);
    expect(started).toBe(1_000);
    const refused = raw.messages().filter((message) => (message as [number])[0] === 21);
    expect(refused).toHaveLength(3_000);
    await witness.check();
  });

  it("of the frame's size turns a result over it into an error of that call alone", async () => {
    const { server, raw, witness } = await start({ maxFrameBytes: 2_000 });
    const client = closing(createClient<Router>({ url: server.url }));
    const [small, fitting, large] = await Promise.all([
      client.echo.query("small"),
      client.repeat.query(990),
      rejection(client.repeat.query(1_000)),
    ]);
    expect({ small, fitting: fitting.length }).toEqual({ small: "small", fitting: 990 });
    expect(large).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(client.connection.state.status).toBe("online");
    raw.send([10, 1, "echo", {}, "raw"]);
    expect(await raw.message(20, 1)).toEqual([20, 1, "raw"]);
    await witness.check();
  });

  it("of the frame's size refuses an input over it before it is sent", async () => {
    const { server } = await start();
    const client = closing(createClient<Router>({ url: server.url, maxFrameBytes: 1_000 }));
    const [small, large] = await Promise.all([
      client.echo.query("small"),
      rejection(client.echo.query("x".repeat(1_000))),
    ]);
    expect(small).toBe("small");
    expect(large).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(client.connection.state.status).toBe("online");
  });

  it.each([
    // Half of what a session keeps may wait for an acknowledgement.
    ["of what is not acknowledged", {}, 1024 * 1024],
    // 1 MiB, and what the kernel's buffers on both sides take.
    ["of what waits in a socket", { replayBytes: Number.POSITIVE_INFINITY }, 16 * 1024 * 1024],
  ])("%s pauses the producer for a reader that does not read", async (_what, options, most) => {
    const { raw, witness } = await start(options);
    raw.socket.pause();
    // As much credit as there can be: what pauses it is not the reader's application.
    raw.send([12, 1, "flood", {}], [16, 1, 0, Number.MAX_SAFE_INTEGER]);
    await until("it is produced", () => produced > 0);
    for (let quiet = 0, last = 0; quiet < 100; last = produced) {
      await turn();
      quiet = produced === last ? quiet + 1 : 0;
    }
    expect(produced * floodItem.length).toBeLessThan(most);
    const paused = produced;
    await witness.check();
    raw.socket.resume();
    await until("it goes on", () => produced > paused);
  });

  it("leaves nothing behind of 2,000 subscriptions that came and went", async () => {
    const { raw, witness } = await start({ maxSubscriptions: 10 });
    for (let id = 1; id <= 2_000; id++) raw.send([12, id, "counter", {}], [13, id]);
    raw.send([12, 2_001, "counter", {}]);
    await raw.message(23, 2_001);
    expect(raw.messages().filter((message) => (message as [number])[0] === 21)).toEqual([]);
    await witness.check();
  });
});
