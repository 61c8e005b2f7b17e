import { contract, mutation, query, subscription } from "@tautline/core";
import type { ContractCalls, TautlineServer } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { collect, rejection } from "./fixture/client.ts";
import { openRaw, type RawClient } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { countingRouter, expectNoLeak, startWitness, type Witness } from "./fixture/witness.ts";

cleanUpAfterEach();

const t = initTRPC.context<object>().create();
const router = t.mergeRouters(countingRouter, t.router({ ping: t.procedure.query(() => "pong") }));

const clientApi = contract({
  confirm: query({ output: z.boolean() }),
  pay: mutation(),
  user: query({ output: z.object({ name: z.string() }) }),
  slow: query({ output: z.string().refine(() => Promise.resolve(true)) }),
  items: subscription({ output: z.number() }),
});

interface Setup {
  readonly server: TautlineServer;
  readonly witness: Witness;
  readonly raw: RawClient;
  readonly calls: ContractCalls<typeof clientApi>;
}

/** A client that says that it serves, and answers as the test likes. */
async function start(): Promise<Setup> {
  const all: ContractCalls<typeof clientApi>[] = [];
  const server = await startServer<typeof router>({
    router,
    onError: () => {},
    createContext: ({ client }) => {
      all.push(client(clientApi));
      return {};
    },
  });
  const witness = await startWitness(server.url);
  const raw = await openRaw(server.url);
  raw.send([0, 1, { serves: true }]);
  await raw.message(1);
  raw.send([5, 0]);
  const calls = all.at(-1);
  if (calls === undefined) throw new Error("there is no context");
  return { server, witness, raw, calls };
}

const misfits: readonly [what: string, answer: unknown[]][] = [
  ["another type", [20, 1, "yes"]],
  ["null", [20, 1, null]],
  ["nothing", [20, 1]],
  ["an object", [20, 1, { valueOf: true }]],
  ["an item", [23, 1, "yes"]],
  ["a tracked item", [24, 1, "id", {}]],
];

describe("a client that answers what it was not asked for", () => {
  it.each(misfits)("is not believed: %s in the place of a boolean", async (_what, answer) => {
    const { raw, calls, witness } = await start();
    const failed = rejection(calls.confirm.query());
    await raw.message(10);
    raw.send(answer);
    expect(await failed).toMatchObject({ code: "PARSE_ERROR", message: "unreadable value" });
    raw.send([10, 1, "ping", {}]);
    await raw.message(20, 1);
    expectNoLeak(raw);
    await witness.check();
  });

  it.each([
    ["null", null],
    ["a text", "oh no"],
    ["a code that there is not", { message: "m", data: { code: "BOGUS" } }],
    ["a message that is none", { message: { toString: 1 }, data: null }],
  ])("fails its call and nothing else with %s for an error", async (_what, shape) => {
    const { raw, calls, witness } = await start();
    const failed = rejection(calls.confirm.query());
    await raw.message(10);
    raw.send([21, 1, shape]);
    expect(await failed).toBeInstanceOf(Error);
    await witness.check();
  });

  it("cannot pollute what its answer is made into", async () => {
    const { raw, calls, witness } = await start();
    const user = calls.user.query();
    await raw.message(10);
    raw.socket.send('[[20,1,{"name":"eve","__proto__":{"admin":true},"admin":true}]]');
    expect(Object.entries(await user)).toEqual([["name", "eve"]]);
    await witness.check();
  });

  it("is heard once: what comes after its answer is ignored", async () => {
    const { raw, calls, witness } = await start();
    const answer = calls.confirm.query();
    await raw.message(10);
    raw.send([20, 1, true], [20, 1, false], [21, 1, {}], [22, 1], [25, 1]);
    expect(await answer).toBe(true);
    raw.send([10, 1, "ping", {}]);
    await raw.message(20, 1);
    await witness.check();
  });

  it.each<[what: string, message: unknown[]]>([
    ["an answer to no call", [20, 2, true]],
    ["an end of no call", [25, 9]],
    ["an answer without an id", [20]],
    ["an error without a shape", [21, 1]],
  ])("is closed for %s, and the server's calls reject", async (_what, message) => {
    const { raw, calls, witness } = await start();
    const failed = [rejection(calls.confirm.query()), rejection(calls.pay.mutate())];
    await raw.message(11);
    raw.send(message[1] === 2 ? [20, 3, true] : message);
    expect(await raw.closed).toMatchObject({ code: 4400 });
    expect(await Promise.all(failed)).toMatchObject([{ code: "SESSION_LOST" }, { code: "OUTCOME_UNKNOWN" }]);
    expect(await rejection(calls.confirm.query())).toMatchObject({ code: "SESSION_LOST" });
    await witness.check();
  });

  it("is closed for an answer where it was never called", async () => {
    const { raw, witness } = await start();
    raw.send([20, 1, true]);
    expect(await raw.closed).toMatchObject({ code: 4400 });
    await witness.check();
  });

  it("is closed for more items than it was granted", async () => {
    const { raw, calls, witness } = await start();
    const first = calls.items.subscribe();
    await raw.message(12);
    raw.send([22, 1], ...Array.from({ length: 4_000 }, (_, n) => [23, 1, n]));
    expect(await raw.closed).toMatchObject({ code: 4400 });
    const items: number[] = [];
    const reading = (async () => {
      for await (const item of first) items.push(item);
    })();
    expect(await rejection(reading)).toMatchObject({ code: "SESSION_LOST" });
    expect(items.length).toBeLessThan(4_000);
    await witness.check();
  });

  it("ends its subscription with an item that does not fit", async () => {
    const { raw, calls, witness } = await start();
    const reading = rejection(collect(calls.items.subscribe()));
    await raw.message(12);
    raw.send([22, 1], [23, 1, 5], [23, 1, "five"], [23, 1, 6]);
    expect(await reading).toMatchObject({ code: "PARSE_ERROR" });
    await raw.message(13, 1);
    await witness.check();
  });

  it("cannot keep a call for good where it has a time", async () => {
    const { raw, calls } = await start();
    expect(await rejection(calls.confirm.query(undefined, { timeoutMs: 1 }))).toMatchObject({ code: "TIMEOUT" });
    expect(await raw.message(13, 1)).toEqual([13, 1, "TIMEOUT"]);
  });

  it("is not checked by an asynchronous schema: the call says so", async () => {
    const { raw, calls } = await start();
    const failed = rejection(calls.slow.query());
    await raw.message(10);
    raw.send([20, 1, "text"]);
    expect(await failed).toMatchObject({ code: "PARSE_ERROR", cause: expect.any(TypeError) as TypeError });
  });

  it("is closed where hello says something else than whether it serves", async () => {
    const { server } = await start();
    const raw = await openRaw(server.url);
    raw.send([0, 1, { serves: 1 }]);
    expect(await raw.closed).toMatchObject({ code: 4400 });
  });

  it("is not called when it said that it does not serve", async () => {
    const all: ContractCalls<typeof clientApi>[] = [];
    const server = await startServer<typeof router>({
      router,
      createContext: ({ client }) => {
        all.push(client(clientApi));
        return {};
      },
    });
    for (const fields of [{}, { serves: false }]) {
      const raw = await openRaw(server.url);
      raw.send([0, 1, fields]);
      await raw.message(1);
      expect(await rejection(all.at(-1)?.confirm.query() ?? Promise.resolve())).toMatchObject({
        code: "NOT_IMPLEMENTED",
      });
      expect(raw.messages()).toHaveLength(1);
      raw.socket.terminate();
    }
    await until("both are gone", () => server.connections === 0);
  });
});
