/** What is handed over as a stream and is none any more: locked, read before, handed over twice. */
import { Readable } from "node:stream";
import { createClient, streams } from "@tautline/client";
import { contract, fields, mutation, query, rich, stream, TautlineError } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const numbers = stream(z.number());
const api = contract({
  sum: mutation({ input: fields({ left: numbers, right: numbers }), output: z.number() }),
  down: query({ input: z.enum(["locked", "twice"]), output: fields({ left: numbers, right: numbers }) }),
  late: query({ input: z.string(), output: numbers }),
  ping: query({ output: z.string() }),
});

const t = initTRPC.create({ transformer: rich });
const { procedures: p, router: build } = implement(api, t);

function three(): ReadableStream<number> {
  return new ReadableStream({
    start(controller) {
      for (const n of [1, 2, 3]) controller.enqueue(n);
      controller.close();
    },
  });
}

async function sum(...all: AsyncIterable<number>[]): Promise<number> {
  let total = 0;
  for (const each of all) for await (const n of each) total += n;
  return total;
}

/** What arrives of both. */
interface Pair {
  readonly left: AsyncIterable<number>;
  readonly right: AsyncIterable<number>;
}

/** Two streams of which one cannot be read. */
function illPair(kind: "locked" | "twice"): { left: ReadableStream<number>; right: ReadableStream<number> } {
  const left = three();
  if (kind === "twice") return { left, right: left };
  left.getReader();
  return { left, right: three() };
}

let destroyed = 0;
let summed: unknown[] = [];
beforeEach(() => {
  destroyed = 0;
  summed = [];
});

const router = build({
  sum: p.sum.mutation(async ({ input }) => {
    try {
      return await sum(input.left, input.right);
    } catch (error) {
      summed.push(TautlineError.from(error).code);
      throw error;
    }
  }),
  down: p.down.query(({ input }) => illPair(input)),
  late: p.late.query(async ({ signal }) => {
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    return new Readable({
      objectMode: true,
      read() {
        this.push(1);
      },
      destroy(_error, callback) {
        destroyed++;
        callback(null);
      },
    });
  }),
  ping: p.ping.query(() => "pong"),
});

/** The same without a contract: nothing looks at streams before they are sent. */
const plainRouter = t.router({
  sum: t.procedure
    .input((input) => input as Pair)
    .mutation(async ({ input }) => {
      try {
        return await sum(input.left, input.right);
      } catch (error) {
        summed.push(TautlineError.from(error).code);
        throw error;
      }
    }),
  // Whatever a stream was, what arrives can be iterated.
  down: t.procedure
    .input((input) => input as "locked" | "twice")
    .query(({ input }) => illPair(input) as unknown as Pair),
  ping: t.procedure.query(() => "pong"),
});

interface Calls {
  sum(pair: object): Promise<number>;
  down(kind: "locked" | "twice"): Promise<Pair>;
  ping(): Promise<string>;
}

async function start() {
  const { url } = await startServer({ router, onError: () => {} });
  return closing(createClient({ contract: api, url, transformer: rich, streams }));
}

const ways: Record<string, () => Promise<Calls>> = {
  "a contract": async () => {
    const client = await start();
    return {
      sum: (pair) => client.sum.mutate(pair as never),
      down: (kind) => client.down.query(kind),
      ping: () => client.ping.query(),
    };
  },
  "a router": async () => {
    const { url } = await startServer({ router: plainRouter, onError: () => {} });
    const client = closing(createClient<typeof plainRouter>({ url, transformer: rich, streams }));
    return {
      sum: (pair) => client.sum.mutate(pair as never),
      down: (kind) => client.down.query(kind),
      ping: () => client.ping.query(),
    };
  },
};

/** Fails rather than waits for ever. */
async function within<T>(promise: Promise<T>): Promise<T | "still waiting"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"still waiting">((resolve) => {
    timer = setTimeout(() => resolve("still waiting"), 10_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

for (const [way, connect] of Object.entries(ways))
  for (const kind of ["locked", "twice"] as const) {
    it(`with ${way}, an upload of a stream that is ${kind} rejects, its handler ends, and the connection goes on`, async () => {
      const calls = await connect();
      expect(await within(rejection(calls.sum(illPair(kind))))).toMatchObject({
        name: "TautlineError",
        cause: { name: "TypeError" },
      });
      expect(await within(calls.ping())).toBe("pong");
      await until("the handler has ended", () => summed.length === 1);
      expect(await within(calls.sum({ left: three(), right: three() }))).toBe(12);
    });

    it(`with ${way}, a download of a stream that is ${kind} fails for its reader, and the connection goes on`, async () => {
      const calls = await connect();
      const read = async () => {
        const { left, right } = await calls.down(kind);
        return await Promise.all([collect(left), collect(right)]);
      };
      expect(await within(rejection(read()))).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
      expect(await within(calls.ping())).toBe("pong");
    });
  }

it("a stream that is answered to a call which was aborted is destroyed", async () => {
  const client = await start();
  const controller = new AbortController();
  const call = rejection(client.late.query("", { signal: controller.signal }));
  await client.ping.query();
  controller.abort();
  expect(await call).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
  await client.ping.query();
  for (let i = 0; i < 5; i++) await turn();
  expect(destroyed).toBe(1);
});

const bad = new TautlineError({ code: "BAD_REQUEST" });

it.each([
  { why: "is aborted before", aborted: true },
  { why: "has a client that is closed", closed: true },
  { why: "does not pass its check", check: () => turn().then(() => Promise.reject(bad)) },
  { why: "is aborted while it is checked", check: turn, abort: true },
])("a stream in the input of a call that $why is cancelled: it is never sent", async (row) => {
  const { aborted = false, abort = false, closed = false, check = () => undefined } = row;
  let cancelled = 0;
  const left = new ReadableStream<number>({ cancel: () => void cancelled++ }, { highWaterMark: 0 });
  const options = { contract: api, url: "ws://127.0.0.1:9", transformer: rich, streams, checkInput: check };
  const client = closing(createClient(options));
  const controller = new AbortController();
  if (closed) client.connection.close();
  if (aborted) controller.abort();
  const call = rejection(client.sum.mutate({ left, right: three() }, { signal: controller.signal }));
  if (abort) controller.abort();
  expect(await call).toBeInstanceOf(TautlineError);
  await turn();
  await turn();
  expect(cancelled).toBe(1);
});
