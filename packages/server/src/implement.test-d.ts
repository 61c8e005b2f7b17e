import { contract, mutation, query, subscription, type TrackedItem } from "@tautline/core";
import { type inferRouterInputs, type inferRouterOutputs, initTRPC, TRPCError, tracked } from "@trpc/server";
import { observable } from "@trpc/server/observable";
import superjson from "superjson";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { implement } from "./implement.ts";

const Message = z.object({ text: z.string(), at: z.date() });

const api = contract({
  chat: {
    history: query({ input: z.object({ room: z.string().default("lobby") }), output: z.array(Message) }),
    send: mutation({ input: Message.omit({ at: true }) }),
    messages: subscription({ input: z.object({ room: z.string() }), output: Message }),
    log: subscription({ output: z.string().transform((text) => text.length), tracked: true }),
  },
  ping: query({ output: z.literal("pong") }),
});

interface Context {
  user: string | undefined;
}
interface Meta {
  limit: number;
}

const t = initTRPC.context<Context>().meta<Meta>().create({ transformer: superjson });
const { procedures, router: build } = implement(api, t);
const { chat, ping } = procedures;

const signedIn = t.middleware(({ ctx, next }) => {
  if (ctx.user === undefined) throw new TRPCError({ code: "UNAUTHORIZED" });
  return next({ ctx: { user: ctx.user } });
});
const signedInProcedure = t.procedure.use(signedIn);

const router = build({
  chat: {
    history: chat.history.query(({ input, ctx }) => {
      expectTypeOf(input).toEqualTypeOf<{ room: string }>();
      expectTypeOf(ctx.user).toEqualTypeOf<string | undefined>();
      return [{ text: input.room, at: new Date() }];
    }),
    send: chat.send
      .use(signedIn)
      .meta({ limit: 1 })
      .mutation(async ({ input, ctx, signal }) => {
        expectTypeOf(input).toEqualTypeOf<{ text: string }>();
        expectTypeOf(ctx.user).toEqualTypeOf<string>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal | undefined>();
      }),
    messages: chat.messages.concat(signedInProcedure).subscription(async function* ({ input, ctx }) {
      expectTypeOf(ctx.user).toEqualTypeOf<string>();
      yield { text: input.room, at: new Date() };
      yield tracked("1", { text: input.room, at: new Date() });
    }),
    log: chat.log.subscription(async function* () {
      yield tracked("1", "text");
    }),
  },
  ping: ping.query(() => "pong"),
});

describe("implement", () => {
  test("gives a router from which tRPC infers inputs", () => {
    type Inputs = inferRouterInputs<typeof router>;
    expectTypeOf<Inputs["chat"]["history"]>().toEqualTypeOf<{ room?: string | undefined }>();
    expectTypeOf<Inputs["chat"]["send"]>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<Inputs["chat"]["log"]>().toEqualTypeOf<void>();
    expectTypeOf<Inputs["ping"]>().toEqualTypeOf<void>();
  });

  test("gives a router from which tRPC infers outputs and items", () => {
    type Outputs = inferRouterOutputs<typeof router>;
    expectTypeOf<Outputs["chat"]["history"]>().toEqualTypeOf<{ text: string; at: Date }[]>();
    expectTypeOf<Outputs["chat"]["send"]>().toEqualTypeOf<void>();
    expectTypeOf<Outputs["chat"]["messages"]>().toEqualTypeOf<
      AsyncIterable<{ text: string; at: Date }, void, unknown>
    >();
    expectTypeOf<Outputs["chat"]["log"]>().toEqualTypeOf<AsyncIterable<TrackedItem<number>, void, unknown>>();
    expectTypeOf<Outputs["ping"]>().toEqualTypeOf<"pong">();
  });

  test("gives a router that tRPC's caller factory takes", async () => {
    const caller = t.createCallerFactory(router)({ user: "ada" });
    expectTypeOf(caller.chat.history).returns.resolves.toEqualTypeOf<{ text: string; at: Date }[]>();
    expectTypeOf(router.createCaller({ user: "ada" }).ping).returns.resolves.toEqualTypeOf<"pong">();
  });

  test("a middleware sees the parsed input", () => {
    chat.history.use(({ input, meta, next }) => {
      expectTypeOf(input).toEqualTypeOf<{ room: string }>();
      expectTypeOf(meta).toEqualTypeOf<Meta | undefined>();
      return next();
    });
  });

  test("a handler may give an observable of items", () => {
    chat.messages.subscription(() => observable<z.input<typeof Message>>(() => undefined));
    // @ts-expect-error the item lacks its date
    chat.messages.subscription(() => observable<{ text: string }>(() => undefined));
  });

  test("a procedure can only be finished as what it is", () => {
    // @ts-expect-error a query
    chat.history.mutation;
    // @ts-expect-error a mutation
    chat.send.subscription;
    // @ts-expect-error a subscription, also after a middleware
    chat.messages.use(signedIn).query;
  });

  test("handlers give what the contract says", () => {
    // @ts-expect-error not a list
    chat.history.query(() => ({ text: "", at: new Date() }));
    // @ts-expect-error nothing is returned where there is no output
    chat.send.mutation(() => 1);
    // @ts-expect-error every item of a tracked subscription has an id
    chat.log.subscription(async function* () {
      yield "text";
    });
  });

  test("t needs a transformer where the contract holds what JSON loses", () => {
    const plain = initTRPC.context<Context>().create();
    // @ts-expect-error dates
    implement(api, plain);
    implement(contract({ ping: query({ output: z.string() }) }), plain);
  });
});
