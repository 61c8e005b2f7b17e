import { contract, mutation, query, subscription } from "@tautline/core";
import { initTRPC } from "@trpc/server";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createClient } from "./create-client.ts";
import { type Exposed, expose } from "./expose.ts";
import { exposeRouter } from "./expose-router.ts";

const api = contract({
  confirm: query({ input: z.object({ question: z.string() }), output: z.boolean() }),
  notes: {
    add: mutation({ input: z.string().transform((text) => text.length), output: z.string().default("none") }),
    forget: mutation(),
  },
  clicks: subscription({ output: z.object({ x: z.number() }) }),
  log: subscription({ output: z.string(), tracked: true }),
});

const notes = { add: () => undefined, forget: () => {} };
async function* clicks() {
  yield { x: 1 };
}
async function* log() {
  yield { id: "1", data: "text" };
}
const all = { confirm: () => true, notes, clicks, log };

describe("expose", () => {
  test("gives handlers what the schemas make of the input, and a signal", () => {
    const exposed = expose(api, {
      ...all,
      confirm: ({ input, signal }) => {
        expectTypeOf(input).toEqualTypeOf<{ question: string }>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        return Promise.resolve(true);
      },
      notes: {
        add: ({ input }) => {
          expectTypeOf(input).toEqualTypeOf<number>();
          return undefined;
        },
        forget: async ({ input }) => {
          expectTypeOf(input).toEqualTypeOf<undefined>();
        },
      },
      clicks: async function* ({ signal }) {
        while (!signal.aborted) yield { x: 1 };
      },
    });
    expectTypeOf(exposed).toEqualTypeOf<Exposed>();
  });

  test("does not compile while a handler is missing, too much, or gives what its schema does not take", () => {
    const { confirm: _confirm, ...without } = all;
    // @ts-expect-error -- confirm is missing
    expose(api, without);
    // @ts-expect-error -- notes.forget is missing
    expose(api, { ...all, notes: { add: () => undefined } });
    // @ts-expect-error -- there is no such procedure
    expose(api, { ...all, more: () => 1 });
    // @ts-expect-error -- a boolean is wanted
    expose(api, { ...all, confirm: () => "yes" });
    // @ts-expect-error -- also of a promise
    expose(api, { ...all, confirm: async () => "yes" });
    // @ts-expect-error -- items are wanted
    expose(api, { ...all, clicks: () => ({ x: 1 }) });
    // @ts-expect-error -- other items are wanted
    expose(api, { ...all, clicks: log });
    // @ts-expect-error -- items with ids are wanted
    expose(api, { ...all, log: clicks });
    // @ts-expect-error -- input is an object
    expose(api, { ...all, confirm: ({ input }: { input: string }) => input === "" });
    // @ts-expect-error -- a handler is wanted
    expose(api, { ...all, confirm: true });
  });

  test("is taken by a client", () => {
    createClient({ contract: api, url: "ws://localhost", expose: expose(api, all, { maxCalls: 10 }) });
    // @ts-expect-error -- handlers alone are not
    createClient({ contract: api, url: "ws://localhost", expose: all });
  });
});

describe("exposeRouter", () => {
  test("wants createContext where the router has a context, and there alone", () => {
    const plain = initTRPC.create();
    const plainRouter = plain.router({ hi: plain.procedure.query(() => "hi") });
    expectTypeOf(exposeRouter(plainRouter)).toEqualTypeOf<Exposed>();
    exposeRouter(plainRouter, { maxSubscriptions: 2 });
    const t = initTRPC.context<{ page: string }>().create();
    const router = t.router({ page: t.procedure.query(({ ctx }) => ctx.page) });
    exposeRouter(router, { createContext: async () => ({ page: "home" }) });
    // @ts-expect-error -- a context is needed
    exposeRouter(router);
    // @ts-expect-error -- of this kind
    exposeRouter(router, { createContext: () => ({ page: 1 }) });
  });
});
