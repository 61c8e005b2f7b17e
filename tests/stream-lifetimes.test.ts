/** Streams of calls that have their answer, or never get one: what becomes of them when the client is closed, idle, or moves on. */
import { type ConnectionOptions, createClient, streams } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { contract, query, rich, stream } from "@tautline/core";
import { MemoryNetwork } from "@tautline/core/testing";
import { type ClientFactory, implement } from "@tautline/server";
import { createMemoryServer } from "@tautline/server/testing";
import { initTRPC } from "@trpc/server";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { turn } from "./fixture/cleanup.ts";
import { collect } from "./fixture/client.ts";

const numbers = stream(z.number());
const clientApi = contract({ count: query({ output: numbers }) });
const api = contract({
  count: query({ output: numbers }),
  /** The same, of the client. */
  countThere: query({ output: z.string() }),
  double: query({ input: numbers, output: numbers }),
});

let network = new MemoryNetwork();
/** Sources that have ended. */
let ended: string[] = [];
/** What the server has read of the client's stream. */
let read: Promise<unknown> | undefined;
beforeEach(() => {
  network = new MemoryNetwork({ settle: turn });
  ended = [];
  read = undefined;
});

/** One number in 500 ms. */
async function* upTo(count: number, name: string) {
  try {
    for (let n = 1; n <= count; n++) {
      await new Promise<void>((resolve) => void network.clock.setTimeout(resolve, 500));
      yield n;
    }
  } finally {
    ended.push(name);
  }
}

/** Without waiting for ever. */
function outcome(promise: Promise<unknown>): Promise<unknown> {
  const late = turn().then(() => "still waiting");
  return Promise.race([promise.catch((error: unknown) => (error as { code?: unknown }).code), late]);
}

function start(options: Partial<ConnectionOptions> = {}) {
  const t = initTRPC.context<{ client: ClientFactory }>().create({ transformer: rich });
  const { procedures: p, router } = implement(api, t);
  createMemoryServer({
    network,
    router: router({
      count: p.count.query(() => upTo(10, "the handler's")),
      countThere: p.countThere.query(async ({ ctx }) => {
        read = collect(await ctx.client(clientApi).count.query());
        read.catch(() => {});
        return "it is read";
      }),
      double: p.double.query(({ input }) =>
        (async function* () {
          for await (const n of input) yield n * 2;
        })(),
      ),
    }),
    createContext: ({ client }) => ({ client }),
    onError: () => {},
  });
  const client = createClient({
    contract: api,
    url: "ws://memory/",
    transformer: rich,
    streams,
    expose: expose(clientApi, { count: () => upTo(10, "the client's") }),
    ...network.clientOptions,
    ...options,
  });
  return client;
}

describe("a client that is idle", () => {
  it("is not while it reads what a call has answered", async () => {
    const client = start({ idleCloseMs: 1_000 });
    const answer = client.count.query();
    await network.advance(100);
    const items = collect(await answer);
    await network.advance(5_500);
    expect(await outcome(items)).toHaveLength(10);
    expect(client.connection.state.status).toBe("online");
    await network.advance(1_000);
    expect(client.connection.state.status).toBe("idle");
  });

  it("is not while the server reads what it has answered", async () => {
    const client = start({ idleCloseMs: 1_000 });
    const answer = client.countThere.query();
    await network.advance(100);
    expect(await answer).toBe("it is read");
    await network.advance(5_500);
    expect(await outcome(read ?? Promise.resolve())).toHaveLength(10);
    await network.advance(2_000);
    expect(client.connection.state.status).toBe("idle");
  });
});

describe("a client that is closed", () => {
  it("ends the streams of calls that have their answer, in both directions", async () => {
    const client = start();
    const answer = client.double.query(upTo(10, "the caller's"));
    await network.advance(1_200);
    const items = collect(await answer);
    client.connection.close();
    expect(await outcome(items)).toBe("CONNECTION_CLOSED");
    await network.advance(1_000);
    expect(ended).toEqual(["the caller's"]);
  });

  it("ends what the server reads of it, and what it reads itself", async () => {
    const client = start();
    const answers = [client.countThere.query(), client.count.query()];
    await network.advance(1_200);
    await Promise.all(answers);
    client.connection.close();
    await network.advance(1_000);
    expect(await outcome(read ?? Promise.resolve())).toBe("CONNECTION_CLOSED");
    expect(ended.toSorted()).toEqual(["the client's", "the handler's"]);
  });
});
