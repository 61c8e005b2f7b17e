import { createClient, streams } from "@tautline/client";
import { contract, fields, query, rich, stream, subscription } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const output = fields({ count: z.number().max(5), inner: fields({ items: stream(z.number()) }) });
const api = contract({ once: query({ output }), often: subscription({ output }) });

it("a stream beside what does not fit its schema is let go: nobody will read it", async () => {
  const told: string[] = [];
  const sixItems = (name: string) => ({ count: 6, inner: { items: source(name) } });
  const source = (name: string): ReadableStream<number> =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(1),
      cancel: () => void told.push(name),
    });
  const { procedures, router } = implement(api, initTRPC.create({ transformer: rich }));
  const server = await startServer({
    router: router({
      once: procedures.once.query(() => sixItems("once")),
      often: procedures.often.subscription(async function* () {
        yield sixItems("often");
      }),
    }),
  });
  const client = closing(createClient({ contract: api, url: server.url, transformer: rich, streams }));
  expect(await rejection(client.once.query())).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
  expect(await rejection(client.often.subscribe().next())).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
  await until("both sources are told", () => told.length === 2);
});
