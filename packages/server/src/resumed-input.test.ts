import { rich } from "@tautline/core";
import { FakeClock } from "@tautline/core/testing";
import { initTRPC, tracked } from "@trpc/server";
import { expect, test } from "vitest";
import { z } from "zod";
import { createAcceptor, MemoryClient } from "../testing/memory-client.ts";

const t = initTRPC.create({ transformer: rich });

const seeing = (schema: z.ZodType) =>
  t.procedure.input(schema).subscription(async function* ({ input }) {
    yield tracked("e2", { input });
  });

const passing = t.middleware(({ next }) => next());
const router = t.router({
  looks: seeing(z.object({ room: z.string(), lastEventId: z.string().optional() })),
  strict: seeing(z.strictObject({ room: z.string() })),
  strictBehindMiddleware: t.procedure
    .use(passing)
    .input(z.strictObject({ room: z.string() }).refine(async () => true))
    .subscription(async function* ({ input }) {
      yield tracked("e2", { input });
    }),
  optional: seeing(z.object({ room: z.string() }).optional()),
  nothing: seeing(z.void()),
  date: seeing(z.date()),
  anything: seeing(z.unknown()),
});

/** What a handler is given of an input with which its subscription goes on after "e1"; or the error's code. */
async function goOn(path: keyof typeof router, input: unknown): Promise<unknown> {
  const client = new MemoryClient(createAcceptor({ router }, new FakeClock()));
  await client.send([0, 1, {}]);
  const call = [12, 1, path, { lastEventId: "e1" }];
  await client.send(input === undefined ? call : [...call, rich.serialize(input)]);
  const [item] = client.of(24);
  if (item === undefined) return (client.of(21)[0]?.[2] as { data?: unknown } | undefined)?.data ?? client.messages;
  return (rich.deserialize(item[3]) as { input: unknown }).input;
}

const room = { room: "a" };

test.each([
  ["an object", "looks", room, { ...room, lastEventId: "e1" }],
  ["an object of a strict schema", "strict", room, room],
  ["an object of a strict schema that is asynchronous", "strictBehindMiddleware", room, room],
  ["an object that may be left out, and is", "optional", undefined, undefined],
  ["nothing", "nothing", undefined, undefined],
  ["a Date", "date", new Date(5), new Date(5)],
  ["a Map for which there is no schema", "anything", new Map([[1, 2]]), new Map([[1, 2]])],
] as const)("a subscription that goes on after an event has its input: %s", async (_what, path, input, seen) => {
  expect(await goOn(path, input)).toEqual(seen);
});

test("what does not fit a schema with the id nor without is a bad request", async () => {
  expect(await goOn("strict", { room: 5 })).toMatchObject({ code: "BAD_REQUEST" });
});
