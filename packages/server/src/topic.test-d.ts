import { contract, mutation, query, rich, subscription } from "@tautline/core";
import { type inferRouterOutputs, initTRPC, type TrackedEnvelope, tracked } from "@trpc/server";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createHub } from "./hub.ts";
import { implement } from "./implement.ts";

const Message = z.object({ room: z.string(), text: z.string(), at: z.date().default(() => new Date()) });
type Message = z.infer<typeof Message>;
const Person = z.object({ id: z.string(), name: z.string() });
type Person = z.infer<typeof Person>;

const hub = createHub();
const rooms = hub.topic("rooms", Message, { member: Person });

type ItemOf<Items> = Items extends AsyncIterable<infer Item, void> ? Item : never;

describe("a topic", () => {
  test("takes what its schema takes, and gives what it makes of it", () => {
    expectTypeOf(rooms.publish).parameter(1).toEqualTypeOf<z.input<typeof Message>>();
    expectTypeOf(rooms.publish("a", { room: "a", text: "hi" })).resolves.toEqualTypeOf<{
      readonly id: string;
      readonly key: string;
      readonly data: Message;
    }>();
    expectTypeOf(rooms.history("a")).resolves.items.toHaveProperty("data").toEqualTypeOf<Message>();
    // @ts-expect-error: no text
    void rooms.publish("a", { room: "a" });
  });

  test("has members of their schema, or with an id alone", () => {
    expectTypeOf(rooms.presence("a").members()).resolves.toEqualTypeOf<readonly Person[]>();
    expectTypeOf<ItemOf<ReturnType<typeof rooms.presence>>["joined"]>().toEqualTypeOf<readonly Person[]>();
    rooms.subscribe("a", { as: { id: "1", name: "Ada" } });
    // @ts-expect-error: no name
    rooms.subscribe("a", { as: { id: "1" } });
    const plain = hub.topic("plain", z.string());
    plain.subscribe("a", { as: { id: "1" } });
    expectTypeOf(plain.presence("a").members()).resolves.toEqualTypeOf<readonly { id: string }[]>();
    // @ts-expect-error: members have ids
    hub.topic("nobody", z.string(), { member: z.object({ name: z.string() }) });
  });
});

describe("a topic's subscription", () => {
  test("gives tracked events", () => {
    const messages = rooms.subscribe(["a", "b"], { after: "id", policy: "latest" });
    expectTypeOf<ItemOf<typeof messages>>().toEqualTypeOf<TrackedEnvelope<Message>>();
  });

  test("is filtered, narrowed and mapped", () => {
    const shapes = hub.topic("shapes", z.union([z.object({ r: z.number() }), z.object({ a: z.number() })]));
    const circles = shapes.subscribe("a").filter((shape): shape is { r: number } => "r" in shape);
    expectTypeOf<ItemOf<typeof circles>>().toEqualTypeOf<TrackedEnvelope<{ r: number }>>();
    const texts = circles.filter(({ r }) => r > 1).map(({ r }, { id, key }) => `${id}${key}${r}`);
    expectTypeOf<ItemOf<typeof texts>>().toEqualTypeOf<TrackedEnvelope<string>>();
  });

  test("gives what snapshots are, and what is said of gaps, besides", () => {
    const now = rooms.subscribe("a", { snapshot: (at) => ({ at, count: 1 }) });
    expectTypeOf<ItemOf<typeof now>>().toEqualTypeOf<TrackedEnvelope<Message | { at: string; count: number }>>();
    const later = rooms.subscribe("a", { snapshot: async (at) => tracked(at, 1) }).map(({ text }) => text);
    expectTypeOf<ItemOf<typeof later>>().toEqualTypeOf<TrackedEnvelope<string | number>>();
    const told = rooms.subscribe("a", { onGap: ({ from, to }) => (from === to ? undefined : { from }) });
    expectTypeOf<ItemOf<typeof told>>().toEqualTypeOf<TrackedEnvelope<Message | { from: string }>>();
    const heard = rooms.subscribe("a", { onGap: ({ from }) => void from.at(0) });
    expectTypeOf<ItemOf<typeof heard>>().toEqualTypeOf<TrackedEnvelope<Message>>();
  });

  test("is what a subscription procedure returns, of a router and of a contract", () => {
    const t = initTRPC.create({ transformer: rich });
    const router = t.router({ messages: t.procedure.subscription(() => rooms.subscribe("a")) });
    type Item = inferRouterOutputs<typeof router>["messages"];
    expectTypeOf<Item extends AsyncIterable<infer Received> ? Received : never>().toEqualTypeOf<{
      id: string;
      data: Message;
    }>();

    const Sent = z.object({ id: z.string() });
    const api = contract({
      history: query({ output: z.array(Message) }),
      send: mutation({ input: Message, output: Sent }),
      messages: subscription({ output: Message }),
      counted: subscription({ output: z.union([Message, z.number()]), tracked: true }),
      names: subscription({ output: z.number() }),
    });
    const { procedures, router: build } = implement(api, t);
    build({
      history: procedures.history.query(async () => (await rooms.history("a")).map(({ data }) => data)),
      send: procedures.send.mutation(({ input }) => rooms.publish(input.room, input)),
      messages: procedures.messages.subscription(() => rooms.subscribe(["a", "b"])),
      counted: procedures.counted.subscription(() => rooms.subscribe("a", { snapshot: () => 1 })),
      names: procedures.names.subscription(() => rooms.subscribe("a").map(({ text }) => text.length)),
    });
    // @ts-expect-error: texts are no numbers
    procedures.names.subscription(() => rooms.subscribe("a").map(({ text }) => text));
  });
});
