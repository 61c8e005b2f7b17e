// The server of `bench:mixed`: takes bytes, gives bytes, and answers small queries.
import { bytes, contract, mutation, query, rich, stream } from "@tautline/core";
import { implement, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { z } from "zod";
import { answerCommands } from "../command-channel.ts";

export const mixedApi = contract({
  add: query({ input: z.object({ a: z.number(), b: z.number() }), output: z.number() }),
  upload: mutation({ input: stream(bytes()), output: z.number() }),
  download: query({ input: z.object({ chunks: z.number() }), output: stream(bytes()) }),
});

/** What the server does on request. */
export interface MixedServerCommands {
  /** CPU time used so far, in ms. */
  cpuMs(): number;
}

/** How much a chunk is: as much as is read of a Blob at once. */
export const chunkBytes = 64 * 1024;

/** Chunks of bytes, each numbered in its first four. */
export async function* createChunks(chunks: number): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < chunks; number++) {
    const chunk = new Uint8Array(chunkBytes);
    new DataView(chunk.buffer).setUint32(0, number);
    yield chunk;
  }
}

/** Takes all of them. Returns how many bytes they were. @throws Error where one is out of order. */
export async function takeChunks(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let [bytes, expected] = [0, 0];
  for await (const chunk of chunks) {
    const number = new DataView(chunk.buffer, chunk.byteOffset).getUint32(0);
    if (number !== expected++) throw new Error("a chunk out of order");
    bytes += chunk.length;
  }
  return bytes;
}

async function start(): Promise<void> {
  const { procedures, router } = implement(mixedApi, initTRPC.create({ transformer: rich }));
  const server = await serve({
    router: router({
      add: procedures.add.query(({ input: { a, b } }) => a + b),
      upload: procedures.upload.mutation(({ input }) => takeChunks(input)),
      download: procedures.download.query(({ input }) => createChunks(input.chunks)),
    }),
    host: "127.0.0.1",
    port: 0,
  });
  const commands: MixedServerCommands = {
    cpuMs() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
  };
  answerCommands(commands, server.port);
}

if (process.argv[2] === "serve") await start();
