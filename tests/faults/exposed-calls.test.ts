import { createClient } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { contract, mutation, subscription } from "@tautline/core";
import { SeededRandom } from "@tautline/core/testing";
import type { ContractCalls } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { expect, test } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "../fixture/cleanup.ts";
import { closing } from "../fixture/client.ts";
import { startServer } from "../fixture/server.ts";
import { type Fault, startTcpProxy } from "../fixture/tcp-proxy.ts";

cleanUpAfterEach();

const clientApi = contract({
  add: mutation({ input: z.number(), output: z.number() }),
  count: subscription({ input: z.number(), output: z.number() }),
});

/** Each connection is cut, or reset, after a few hundred bytes in one direction or the other. */
function faultsOf(random: SeededRandom, connection: number): Fault[] {
  if (connection >= 40) return [];
  const direction = random.chance(0.5) ? "up" : "down";
  return [{ direction, atByte: 250 + random.integer(0, 800), type: random.chance(0.5) ? "cut" : "reset" }];
}

test.each([1, 2, 3, 4, 5])(
  "the server's calls come through broken connections: each is run once and answered once, items in order (seed %i)",
  async (seed) => {
    const random = new SeededRandom(seed);
    const contexts: ContractCalls<typeof clientApi>[] = [];
    const t = initTRPC.context<object>().create();
    const router = t.router({ ping: t.procedure.query(() => "pong") });
    const server = await startServer<typeof router>({
      router,
      onError: () => {},
      createContext: ({ client }) => {
        contexts.push(client(clientApi));
        return {};
      },
    });
    const proxy = await startTcpProxy(server.url, (index) => ({ faults: faultsOf(random, index) }));
    const runs: number[] = [];
    const handlers = {
      add: ({ input }: { input: number }) => {
        runs.push(input);
        return input + 1;
      },
      count: async function* ({ input }: { input: number }) {
        for (let n = 0; n < input; n++) yield n;
      },
    };
    const client = closing(
      createClient<typeof router>({
        url: proxy.url,
        backoff: { baseMs: 1, maxMs: 2 },
        random: random.next,
        expose: expose(clientApi, handlers),
      }),
    );
    await client.ping.query();
    const [calls] = contexts;
    if (calls === undefined) throw new Error("there is no context");
    const items: number[] = [];
    const counted = (async () => {
      for await (const item of calls.count.subscribe(500)) items.push(item);
    })();
    const sums: number[] = [];
    for (let n = 0; n < 200; n += 4) {
      sums.push(...(await Promise.all([n, n + 1, n + 2, n + 3].map((input) => calls.add.mutate(input)))));
    }
    await counted;
    const numbers = (count: number, first = 0): number[] => Array.from({ length: count }, (_, n) => n + first);
    expect(sums).toEqual(numbers(200, 1));
    expect(runs).toEqual(numbers(200));
    expect(items).toEqual(numbers(500));
    expect(proxy.connections.length).toBeGreaterThan(3);
    await until("the client is online", () => client.connection.state.status === "online");
  },
);
