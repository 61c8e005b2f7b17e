import { type Contract, ContractError, contract, mutation, query, rich, subscription } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC, isTrackedEnvelope, tracked } from "@trpc/server";
import { observable } from "@trpc/server/observable";
import { expect, test } from "vitest";
import { z } from "zod";

const Item = z.object({ n: z.coerce.number(), at: z.date() });
const api = contract({
  deep: {
    read: query({ input: z.object({ n: z.number() }), output: Item, meta: { limit: 1 } }),
    write: mutation({ input: z.string() }),
  },
  items: subscription({ output: Item }),
  legacy: subscription({ output: Item }),
});
const at = new Date(0);

const t = initTRPC.context<{ user: string }>().meta<{ limit: number }>().create({ transformer: rich });
const { procedures, router: build } = implement(api, t);
const signedIn = t.procedure.use(({ ctx, meta, next }) => next({ ctx: { by: `${ctx.user} ${meta?.limit}` } }));
const written: string[] = [];
const router = build({
  deep: {
    read: procedures.deep.read.concat(signedIn).query(({ input, ctx }) => ({ n: input.n, at, by: ctx.by })),
    write: procedures.deep.write.use(({ next }) => next()).mutation(({ input }) => void written.push(input)),
  },
  items: procedures.items.subscription(async function* () {
    yield { n: "1", at };
    yield tracked("id", { n: "2", at });
    yield { n: "x", at };
  }),
  legacy: procedures.legacy.subscription(() =>
    observable((observer) => {
      observer.next({ n: "1", at });
      observer.next({ n: "x", at });
    }),
  ),
});
const caller = router.createCaller({ user: "ada" });

test("a contract's queries and mutations are tRPC procedures with schemas around them", async () => {
  expect(await caller.deep.read({ n: 1 })).toEqual({ n: 1, at });
  await expect(caller.deep.read({ n: "1" } as never)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  expect(await caller.deep.write("text")).toBe(undefined);
  expect(written).toEqual(["text"]);
});

test("each item of an iterable is checked, and a tracked one keeps its id", async () => {
  const items: unknown[] = [];
  const read = async () => {
    for await (const item of await caller.items()) items.push(item);
  };
  await expect(read()).rejects.toMatchObject({ code: "INTERNAL_SERVER_ERROR", message: "Output validation failed" });
  expect(items).toEqual([{ n: 1, at }, tracked("id", { n: 2, at })]);
  expect(isTrackedEnvelope(items[1])).toBe(true);
});

test("each item of an observable is checked", async () => {
  const seen: unknown[] = [];
  // tRPC's caller gives what the handler gave; the contract's types speak of iterables.
  const source = (await caller.legacy()) as unknown as ReturnType<typeof observable>;
  source.subscribe({ next: (item) => seen.push(item), error: (error) => seen.push(error) });
  expect(seen).toEqual([{ n: 1, at }, expect.objectContaining({ message: "Output validation failed" })]);
});

test("a router that is not the contract's does not start", () => {
  const anyBuild = build as (record: unknown) => unknown;
  expect(() => anyBuild({ ...router._def.record, legacy: undefined })).toThrow(ContractError);
  expect(() => anyBuild({ ...router._def.record, legacy: t.procedure.subscription(() => items()) })).toThrow(
    "was not built from this contract's procedures.legacy",
  );
  async function* items() {
    yield 1;
  }
});

test("a t that loses what the contract holds does not start", () => {
  const untyped: Contract = api;
  expect(() => implement(untyped, initTRPC.create())).toThrow('"deep.read" has Date in its output');
});
