import { contract, mutation, query, subscription } from "@tautline/core";
import type { ContractCalls, ItemIterator, Unsubscribable } from "@tautline/core/internals";
import { initTRPC } from "@trpc/server";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { ClientFactory, RouterCalls } from "./client-factory.ts";
import type { CreateContextOptions } from "./options.ts";
import { serve } from "./serve.ts";

const api = contract({
  confirm: query({ input: z.object({ question: z.string() }), output: z.boolean() }),
  nested: { add: mutation({ input: z.string(), output: z.string().transform(Number) }) },
  clicks: subscription({ output: z.object({ x: z.number() }) }),
});

declare const client: ClientFactory;

describe("what calls a client", () => {
  test("has a contract's types, and the options that createClient's calls have", () => {
    const calls = client(api);
    expectTypeOf(calls).toEqualTypeOf<ContractCalls<typeof api>>();
    const { signal } = new AbortController();
    expectTypeOf(calls.confirm.query({ question: "" }, { signal, timeoutMs: 1 })).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(calls.nested.add.mutate("1", { idempotent: true })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(calls.clicks.subscribe()).toEqualTypeOf<ItemIterator<{ x: number }>>();
    expectTypeOf(calls.clicks.subscribe(undefined, { onData: ({ x }) => x })).toEqualTypeOf<Unsubscribable>();
    // @ts-expect-error -- input is an object
    calls.confirm.query("sure?");
    // @ts-expect-error -- a client has no state that its server could watch
    calls.clicks.subscribe(undefined, { onData: () => {}, onConnectionStateChange: () => {} });
    // @ts-expect-error -- there is no such procedure
    void calls.missing;
  });

  test("has a router's types, by its type alone", () => {
    const t = initTRPC.create();
    const router = t.router({
      hi: t.procedure.input(z.string()).query(({ input }) => ({ input, at: new Date() })),
      nested: t.router({
        items: t.procedure.subscription(async function* () {
          yield 1;
        }),
      }),
    });
    const calls = client<typeof router>();
    expectTypeOf(calls).toEqualTypeOf<RouterCalls<typeof router>>();
    expectTypeOf(calls.hi.query("")).toEqualTypeOf<Promise<{ input: string; at: string }>>();
    expectTypeOf(calls.nested.items.subscribe()).toEqualTypeOf<ItemIterator<number>>();
    // @ts-expect-error -- the router is needed, or a contract
    void client().hi;
  });

  test("is what createContext finds, for the context", () => {
    expectTypeOf<CreateContextOptions["client"]>().toEqualTypeOf<ClientFactory>();
    const t = initTRPC.context<{ calls: ContractCalls<typeof api> }>().create();
    const router = t.router({ ask: t.procedure.query(({ ctx }) => ctx.calls.confirm.query({ question: "?" })) });
    void serve({ router, createContext: ({ client: create }) => ({ calls: create(api) }) });
    // @ts-expect-error -- of another contract
    void serve({ router, createContext: ({ client: create }) => ({ calls: create(contract({ a: query() })) }) });
  });
});
