import { createClient, streams } from "@tautline/client";
import { bytes, contract, fields, mutation, rich, type StreamProgress, stream } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing } from "./fixture/client.ts";
import { createGate, type Gate } from "./fixture/gate.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const itemBytes = 10_000;
const items = 100;
/** The most that a window may be: so much is kept free for each. */
const windowBytes = 512 * 1024;
const api = contract({
  upload: mutation({ input: fields({ number: z.number(), file: stream(bytes()) }), output: z.number() }),
});

/** Handlers that do not read before their gate is open. */
async function start(maxStreamBytes?: number) {
  const gates: Gate<void>[] = [];
  const { procedures, router } = implement(api, initTRPC.create({ transformer: rich }));
  const built = router({
    upload: procedures.upload.mutation(async ({ input: { number, file } }) => {
      const gate = createGate();
      gates[number] = gate;
      await gate.opened;
      let next = 0;
      for await (const [n] of file) if (n === next % 256) next++;
      return next;
    }),
  });
  const server = await startServer({ router: built, ...(maxStreamBytes !== undefined && { maxStreamBytes }) });
  const client = closing(createClient({ contract: api, url: server.url, transformer: rich, streams }));
  /** How many items each upload was asked for. */
  const given: number[] = [];
  async function* source(number: number): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < items; n++) {
      given[number] = n + 1;
      yield new Uint8Array(itemBytes).fill(n % 256);
    }
  }
  const upload = (number: number, onProgress?: (progress: StreamProgress) => void): Promise<number> => {
    given[number] = 0;
    return client.upload.mutate({ number, file: source(number) }, { ...(onProgress && { onProgress }) });
  };
  const total = (): number => given.reduce((sum, count) => sum + count, 0);
  return { upload, gates, given, total };
}

/** Resolves when a figure has not changed in many turns. */
async function stillness(figure: () => number): Promise<void> {
  for (let turns = 0, last = -1; turns < 100; last = figure()) {
    await turn();
    turns = figure() === last ? turns + 1 : 0;
  }
}

describe("uploads of one session whose handlers do not read", () => {
  it("are ahead of them by maxStreamBytes together; and whichever is read is never stuck behind the others", async () => {
    const { upload, gates, given, total } = await start(2 * windowBytes);
    const told: number[] = [];
    const uploads = [0, 1, 2, 3, 4].map((number) =>
      upload(number, ({ bytes: taken }) => {
        if (number === 4) told.push(taken);
        expect(taken).toBeLessThanOrEqual((given[number] ?? 0) * itemBytes);
      }),
    );
    await until("all are there", () => gates.length === 5);
    await stillness(total);
    expect(total() * itemBytes).toBeLessThanOrEqual(2 * (windowBytes + itemBytes));
    expect(given.filter((count) => count > 0)).toHaveLength(2);
    // The last of all is read first: what the first two keep is in nobody's way.
    for (const number of [4, 3, 2, 1, 0]) {
      gates[number]?.open();
      expect(await uploads[number]).toBe(items);
    }
    expect(given).toEqual([items, items, items, items, items]);
    expect(told.at(-1)).toBe(items * itemBytes);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  it("are each a window ahead where there is room, and by default there is for 32", async () => {
    const { upload, gates, given, total } = await start();
    const uploads = Array.from({ length: 70 }, (_, number) => upload(number));
    await until("all are there", () => gates.length === 70);
    await stillness(total);
    expect(given.filter((count) => count > 0)).toHaveLength(32);
    for (const gate of gates) gate.open();
    expect(await Promise.all(uploads)).toEqual(uploads.map(() => items));
  });
});
