import { createClient, streams } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { contract, fields, mutation, query, rich, stream } from "@tautline/core";
import { type ClientFactory, implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { startServer } from "./fixture/server.ts";
import { startTcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();

const numbers = stream(z.number());
const clientApi = contract({
  sum: mutation({ input: fields({ numbers, more: z.number() }), output: z.number() }),
  count: query({ input: z.number(), output: numbers }),
  double: mutation({ input: numbers, output: numbers }),
  text: query({ input: z.string(), output: z.string() }),
});
const api = contract({ ping: query({ output: z.string() }) });

async function* upTo(count: number) {
  for (let n = 1; n <= count; n++) yield n;
}

async function start(cleaned: string[] = []) {
  const t = initTRPC.context<{ client: ClientFactory }>().create({ transformer: rich });
  const { procedures, router } = implement(api, t);
  const ready = createGate<ClientFactory>();
  const server = await startServer({
    router: router({ ping: procedures.ping.query(() => "pong") }),
    maxMessageBytes: 8 * 1024 * 1024,
    createContext: ({ client }) => {
      ready.open(client);
      return { client };
    },
  });
  const proxy = await startTcpProxy(server.url);
  const client = closing(
    createClient({
      contract: api,
      url: proxy.url,
      transformer: rich,
      streams,
      backoff: { baseMs: 1 },
      maxMessageBytes: 8 * 1024 * 1024,
      expose: expose(clientApi, {
        sum: async ({ input }) => {
          let sum = input.more;
          for await (const n of input.numbers) sum += n;
          return sum;
        },
        count: ({ input }) => upTo(input),
        double: ({ input }) =>
          (async function* () {
            try {
              for await (const n of input) yield n * 2;
            } finally {
              cleaned.push("double");
            }
          })(),
        text: ({ input }) => `${input}${input}`,
      }),
    }),
  );
  await client.ping.query();
  return { proxy, client, calls: (await ready.opened)(clientApi) };
}

describe("a server that calls its client", () => {
  it("sends it streams, and gets streams, as the client does", async () => {
    const { calls } = await start();
    expect(await calls.sum.mutate({ numbers: upTo(5_000), more: 1 })).toBe(12_502_501);
    expect(await collect(await calls.count.query(1_000))).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1));
    expect((await collect(await calls.double.mutate(upTo(3_000)))).length).toBe(3_000);
  });

  it("sends and gets large messages in parts", async () => {
    const { calls } = await start();
    const text = "ä".repeat(1024 * 1024);
    expect(await calls.text.query(text)).toBe(text + text);
  });

  it("loses none of it where the connection breaks", async () => {
    const { calls, proxy } = await start();
    let expected = 0;
    for await (const n of await calls.double.mutate(upTo(8_000))) {
      expected += 2;
      expect(n).toBe(expected);
      if (expected % 4_000 === 0) proxy.cut();
    }
    expect(expected).toBe(16_000);
  });

  it("ends a stream at the client when it has enough", async () => {
    const cleaned: string[] = [];
    const { calls } = await start(cleaned);
    for await (const n of await calls.double.mutate(upTo(1_000_000))) if (n === 10) break;
    await until("it has ended", () => cleaned.length > 0);
    expect(cleaned).toEqual(["double"]);
  });

  it("is told in its loop that the client has gone, and its own source is ended", async () => {
    const cleaned: string[] = [];
    const { calls, client } = await start();
    async function* source() {
      try {
        yield* upTo(1_000_000);
      } finally {
        cleaned.push("source");
      }
    }
    const items = (await calls.double.mutate(source()))[Symbol.asyncIterator]();
    await items.next();
    client.connection.close();
    const read = async (): Promise<unknown> => {
      for (;;) if ((await items.next()).done === true) return "the end";
    };
    expect(await rejection(read())).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(cleaned).toEqual(["source"]);
  });
});
