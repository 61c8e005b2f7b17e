// The client of `bench:mixed`: `client <port>`.
import { createClient, streams } from "@tautline/client";
import { rich } from "@tautline/core";
import { answerCommands } from "../command-channel.ts";
import { chunkBytes, createChunks, mixedApi, takeChunks } from "./server.ts";

/** What the client does on request. */
export interface MixedClientCommands {
  /** Small queries, one after the other, for so long. */
  idle(task: { readonly durationMs: number }): Promise<MixedSample>;
  /** The same for as long as so many bytes go up, and so many come down. */
  loaded(task: { readonly bytes: number }): Promise<MixedSample>;
}

export interface MixedSample {
  /** How long each query took: sorted. */
  readonly latenciesUs: readonly number[];
  readonly durationMs: number;
  /** The client's. */
  readonly cpuMs: number;
}

const client = createClient({
  contract: mixedApi,
  url: `ws://127.0.0.1:${process.argv[2]}`,
  transformer: rich,
  streams,
});

/** Queries one after the other until something is over. */
async function query(isOver: () => boolean): Promise<MixedSample> {
  const latenciesUs: number[] = [];
  const start = performance.now();
  const cpu = process.cpuUsage();
  let last = start;
  while (!isOver()) {
    const a = latenciesUs.length;
    if ((await client.add.query({ a, b: 1 })) !== a + 1) throw new Error("a wrong sum");
    const now = performance.now();
    latenciesUs.push((now - last) * 1000);
    last = now;
  }
  const { user, system } = process.cpuUsage(cpu);
  latenciesUs.sort((a, b) => a - b);
  return { latenciesUs, durationMs: last - start, cpuMs: (user + system) / 1000 };
}

async function upload(chunks: number): Promise<number> {
  return client.upload.mutate(createChunks(chunks));
}

async function download(chunks: number): Promise<number> {
  return takeChunks(await client.download.query({ chunks }));
}

const commands: MixedClientCommands = {
  async idle({ durationMs }) {
    const start = performance.now();
    return query(() => performance.now() - start >= durationMs);
  },
  async loaded({ bytes }) {
    const chunks = Math.ceil(bytes / chunkBytes);
    let over = 0;
    const onDone = (moved: number): void => {
      if (moved !== chunks * chunkBytes) throw new Error("bytes are missing");
      over++;
    };
    const both = Promise.all([upload(chunks).then(onDone), download(chunks).then(onDone)]);
    // Both ways at once: what one does alone is not what is asked.
    const sample = await query(() => over > 0);
    await both;
    return sample;
  },
};

await client.add.query({ a: 1, b: 1 });
answerCommands(commands);
