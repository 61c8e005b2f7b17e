import { createClient, streams } from "@tautline/client";
import { bytes, contract, fields, mutation, query, rich, stream } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach } from "./fixture/cleanup.ts";
import { closing, collect } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const megabyte = 1024 * 1024;
const api = contract({
  report: query({ output: fields({ text: z.string(), numbers: stream(z.number()) }) }),
  lengths: mutation({ input: stream(bytes()), output: stream(z.number()) }),
});

async function start() {
  const t = initTRPC.create({ transformer: rich });
  const { procedures, router } = implement(api, t);
  const maxMessageBytes = 16 * megabyte;
  const server = await startServer({
    router: router({
      report: procedures.report.query(() => ({ text: "x".repeat(4 * megabyte), numbers: upTo(3) })),
      lengths: procedures.lengths.mutation(async ({ input }) => {
        const iterator = input[Symbol.asyncIterator]();
        const first = await iterator.next();
        return (async function* () {
          if (first.done !== true) yield first.value.length;
          for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
            yield next.value.length;
        })();
      }),
    }),
    maxMessageBytes,
  });
  return closing(createClient({ contract: api, url: server.url, transformer: rich, streams, maxMessageBytes }));
}

async function* upTo(count: number) {
  for (let n = 1; n <= count; n++) yield n;
}

it("an answer in parts comes before the items of its streams", async () => {
  const client = await start();
  const { text, numbers } = await client.report.query();
  expect(text).toHaveLength(4 * megabyte);
  expect(await collect(numbers)).toEqual([1, 2, 3]);
});

it("an item in parts goes on when its call has its answer, for as long as other streams of it flow", async () => {
  const client = await start();
  async function* items() {
    yield new Uint8Array(1);
    for (let n = 0; n < 5; n++) yield new Uint8Array(4 * megabyte);
  }
  const lengths = await client.lengths.mutate(items());
  expect(await collect(lengths)).toEqual([1, ...Array<number>(5).fill(4 * megabyte)]);
});
