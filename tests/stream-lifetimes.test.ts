/** Streams of calls that have their answer, or never get one: what becomes of them when the client is closed, idle, or moves on. */
import { type ConnectionOptions, createClient, streams } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { contract, fields, query, rich, stream, subscription } from "@tautline/core";
import { MemoryNetwork } from "@tautline/core/testing";
import { type ClientFactory, implement } from "@tautline/server";
import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
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
  follow: subscription({ input: numbers, output: z.number() }),
  pages: subscription({ output: fields({ page: z.number(), lines: numbers }) }),
  money: query({ output: fields({ price: z.any(), numbers }) }),
});

class Money {}

const withMoney = rich.extend({
  name: "money",
  is: (value) => value instanceof Money,
  encode: () => 1,
  decode: () => new Money(),
});

let network = new MemoryNetwork();
/** Sources that have ended. */
let ended: string[] = [];
let servers: MemoryServer[] = [];
/** What the server has read of the client's stream. */
let read: () => unknown = () => "nothing";
beforeEach(() => {
  network = new MemoryNetwork({ settle: turn });
  ended = [];
  servers = [];
  read = () => "nothing";
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

/** What a promise comes to, by now. */
function outcome(promise: Promise<unknown>): () => unknown {
  let found: unknown = "still waiting";
  promise.then(
    (value) => {
      found = value;
    },
    (error: unknown) => {
      found = (error as { readonly code?: unknown }).code;
    },
  );
  return () => found;
}

const url = (): string => `ws://memory/${servers.length}`;

/** A server that new connections go to; the one before it closes within 10 s. */
async function deploy(): Promise<void> {
  const old = servers.at(-1);
  servers.push(serve());
  await old?.close({ drainMs: 10_000 });
}

function serve(): MemoryServer {
  const t = initTRPC.context<{ client: ClientFactory }>().create({ transformer: withMoney });
  const { procedures: p, router } = implement(api, t);
  const name = servers.length + 1;
  return createMemoryServer({
    network,
    url: `ws://memory/${name}`,
    router: router({
      count: p.count.query(() => upTo(10, "the handler's")),
      countThere: p.countThere.query(async ({ ctx }) => {
        read = outcome(collect(await ctx.client(clientApi).count.query()));
        return "it is read";
      }),
      double: p.double.query(({ input }) =>
        (async function* () {
          for await (const n of input) yield n * 2;
        })(),
      ),
      follow: p.follow.subscription(async function* ({ input }) {
        for await (const n of input) yield n;
      }),
      pages: p.pages.subscription(async function* ({ signal }) {
        yield { page: name, lines: upTo(4, "the page's") };
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      }),
      money: p.money.query(() => ({ price: new Money(), numbers: upTo(1_000, "the handler's") })),
    }),
    createContext: ({ client }) => ({ client }),
    onError: () => {},
  });
}

/** A client that is online. */
async function online(options: Partial<ConnectionOptions> = {}) {
  void deploy();
  const client = createClient({
    contract: api,
    url,
    transformer: rich,
    streams,
    expose: expose(clientApi, { count: () => upTo(10, "the client's") }),
    ...network.clientOptions,
    ...options,
  });
  client.connection.connect();
  await network.advance(100);
  return client;
}

describe("a client that is idle", () => {
  it("is not while it reads what a call has answered", async () => {
    const client = await online({ idleCloseMs: 1_000 });
    const items = outcome(collect(await answerOf(client.count.query())));
    await network.advance(5_500);
    expect(items()).toHaveLength(10);
    expect(client.connection.state.status).toBe("online");
    await network.advance(1_000);
    expect(client.connection.state.status).toBe("idle");
  });

  it("is not while the server reads what it has answered", async () => {
    const client = await online({ idleCloseMs: 1_000 });
    expect(await answerOf(client.countThere.query())).toBe("it is read");
    await network.advance(5_500);
    expect(read()).toHaveLength(10);
    await network.advance(2_000);
    expect(client.connection.state.status).toBe("idle");
  });
});

describe("a client that is closed", () => {
  it("ends the streams of calls that have their answer, in both directions", async () => {
    const client = await online();
    const items = outcome(collect(await answerOf(client.double.query(upTo(10, "the caller's")))));
    await network.advance(600);
    client.connection.close();
    await network.advance(1_000);
    expect(items()).toBe("CONNECTION_CLOSED");
    expect(ended).toEqual(["the caller's"]);
  });

  it("ends what the server reads of it, and what it reads itself", async () => {
    const client = await online();
    await answerOf(Promise.all([client.countThere.query(), client.count.query()]));
    await network.advance(1_200);
    client.connection.close();
    await network.advance(1_000);
    expect(read()).toBe("CONNECTION_CLOSED");
    expect(ended.toSorted()).toEqual(["the client's", "the handler's"]);
  });
});

describe("an answer that cannot be read", () => {
  it("has its streams end at the server", async () => {
    const client = await online();
    const answer = outcome(client.money.query());
    await network.advance(3_000);
    expect(answer()).toBe("PARSE_ERROR");
    expect(ended).toEqual(["the handler's"]);
  });
});

describe("when the server is replaced", () => {
  it("a subscription whose upload has begun is done where it is", async () => {
    const client = await online();
    const items = outcome(collect(client.follow.subscribe(upTo(10, "the caller's"))));
    await network.advance(1_200);
    void deploy();
    await network.advance(8_000);
    expect(items()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("one whose upload lasts longer than the server fails, and its source ends", async () => {
    const client = await online();
    const items = outcome(collect(client.follow.subscribe(upTo(1_000, "the caller's"))));
    await network.advance(1_200);
    void deploy();
    await network.advance(12_000);
    expect(items()).toBe("SESSION_LOST");
    expect(ended).toEqual(["the caller's"]);
  });

  it("what the items of one that moves hold ends at once", async () => {
    const client = await online({ random: () => 0 });
    const pages: number[] = [];
    const lines: (() => unknown)[] = [];
    client.pages.subscribe(undefined, {
      onData: (item) => {
        pages.push(item.page);
        lines.push(outcome(collect(item.lines)));
      },
    });
    const others = outcome(collect(await answerOf(client.count.query())));
    await network.advance(600);
    void deploy();
    await network.advance(100);
    expect(pages).toEqual([1, 2]);
    expect(lines.map((line) => line())).toEqual(["SESSION_LOST", "still waiting"]);
    await network.advance(5_000);
    expect([lines[1]?.(), others()].map((items) => (items as number[]).length)).toEqual([4, 10]);
  });
});

async function answerOf<T>(call: Promise<T>): Promise<T> {
  await network.advance(100);
  return await call;
}
