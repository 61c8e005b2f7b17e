import { checkInput, createClient } from "@tautline/client";
import { tautlineLink } from "@tautline/client/link";
import { bytes, contract, mutation, rich, subscription } from "@tautline/core";
import { implement } from "@tautline/server";
import { createTRPCClient } from "@trpc/client";
import { initTRPC, TRPCError, tracked } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createBinaryValues } from "./fixture/binary-values.ts";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, collect, createTap, rejection } from "./fixture/client.ts";
import { openGreeted } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { startTcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();

const t = initTRPC.create({
  transformer: rich,
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    data: { ...shape.data, digest: Uint8Array.of(7, 8) },
    of: error.code,
  }),
});
const any = t.procedure.input((input: unknown) => input);
let started: number[] = [];

const router = t.router({
  ask: any.query(({ input }) => input),
  save: any.mutation(({ input }) => input),
  watch: any.subscription(async function* ({ input }) {
    yield input;
    yield Uint8Array.of(1);
    yield "text";
  }),
  log: any.subscription(async function* ({ input }) {
    yield tracked("1", input);
    yield tracked("2", Uint8Array.of(2));
  }),
  refuse: any.mutation(() => {
    throw new TRPCError({ code: "CONFLICT" });
  }),
  once: t.procedure.input(z.object({ run: z.number(), body: z.instanceof(Uint8Array) })).mutation(({ input }) => {
    started.push(input.run);
    return { run: input.run, reversed: input.body.toReversed() };
  }),
  large: t.procedure.input(z.number()).query(({ input }) => new Uint8Array(input)),
});

async function start() {
  started = [];
  const server = await startServer({ router });
  const tap = createTap();
  const client = closing(createClient<typeof router>({ url: server.url, transformer: rich, WebSocket: tap.WebSocket }));
  return { server, client, tap };
}

const values = Object.keys(createBinaryValues()) as (keyof ReturnType<typeof createBinaryValues>)[];

/** As `toStrictEqual`, which takes seconds for many. */
function expectSame(actual: unknown, expected: Uint8Array | Float64Array): void {
  if (!(actual instanceof Uint8Array || actual instanceof Float64Array)) throw new Error("no bytes");
  expect(actual.constructor).toBe(expected.constructor);
  const [a, b] = [actual, expected].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  expect(a?.equals(b ?? Buffer.of())).toBe(true);
}

describe("bytes over a WebSocket", () => {
  it.each(values)("arrive as what they are, in a call and in its answer: %s", async (name) => {
    const { client } = await start();
    const value = createBinaryValues()[name];
    expect(await client.ask.query(value)).toStrictEqual(value);
    expect(await client.save.mutate([value])).toStrictEqual([value]);
  });

  it.each([1_000, 65_500, 65_536, 300_000, 1_000_000])("arrive whole: %d of them", async (length) => {
    const { client } = await start();
    const value = Uint8Array.from({ length }, (_, index) => index * 31 + (index >> 8));
    expectSame(await client.save.mutate(value), value);
    const numbers = Float64Array.from({ length: length / 8 }, (_, index) => index / 7);
    expectSame(await client.save.mutate(numbers), numbers);
  });

  it("arrive as items, and as tracked ones", async () => {
    const { client } = await start();
    const value = createBinaryValues();
    expect(await collect(client.watch.subscribe(value))).toStrictEqual([value, Uint8Array.of(1), "text"]);
    expect(await collect(client.log.subscribe(value))).toStrictEqual([
      { id: "1", data: value },
      { id: "2", data: Uint8Array.of(2) },
    ]);
  });

  it("arrive in an error's shape", async () => {
    const { client } = await start();
    expect(await rejection(client.refuse.mutate(Uint8Array.of(1)))).toMatchObject({
      code: "CONFLICT",
      data: { digest: Uint8Array.of(7, 8) },
      shape: { of: "CONFLICT" },
    });
  });

  it("are bytes on the wire: a binary frame, hardly longer than they are", async () => {
    const { server } = await start();
    const proxy = await startTcpProxy(server.url);
    const client = closing(createClient<typeof router>({ url: proxy.url, transformer: rich }));
    await client.ask.query(1);
    const before = { ...proxy.connections[0]?.passed };
    await client.save.mutate(new Uint8Array(50_000));
    const passed = proxy.connections[0]?.passed;
    for (const direction of ["up", "down"] as const) {
      expect((passed?.[direction] ?? 0) - (before[direction] ?? 0)).toBeLessThan(50_200);
    }
  });

  it("come in their order beside calls without any, in flight together", async () => {
    const { client } = await start();
    const calls = Array.from({ length: 300 }, (_, index) =>
      index % 3 === 0 ? client.save.mutate(index) : client.save.mutate(new Uint8Array(index * 7).fill(index)),
    );
    const results = await Promise.all(calls);
    for (const [index, result] of results.entries()) {
      if (index % 3 === 0) expect(result).toBe(index);
      else expectSame(result, new Uint8Array(index * 7).fill(index));
    }
  });

  it("are those that were handed in, whatever becomes of them before the call is sent", async () => {
    const { client, server, tap } = await start();
    const body = Uint8Array.of(1, 2, 3);
    // Not connected yet.
    const first = client.once.mutate({ run: 1, body });
    body.fill(9);
    expect(await first).toStrictEqual({ run: 1, reversed: Uint8Array.of(3, 2, 1) });
    body.set([4, 5, 6]);
    const second = client.once.mutate({ run: 2, body });
    tap.sockets.at(-1)?.terminate();
    body.fill(9);
    expect(await second).toStrictEqual({ run: 2, reversed: Uint8Array.of(6, 5, 4) });
    expect(started).toEqual([1, 2]);
    expect(server.connections).toBe(1);
  });

  it("over tautlineLink too", async () => {
    const { server } = await start();
    const link = closing(tautlineLink<typeof router>({ url: server.url, transformer: rich }));
    const client = createTRPCClient<typeof router>({ links: [link] });
    const value = createBinaryValues();
    expect(await client.save.mutate(value)).toStrictEqual(value);
  });

  it("that make a frame too large fail their call alone", async () => {
    const { client } = await start();
    const beside = client.save.mutate(Uint8Array.of(1));
    expect(await rejection(client.save.mutate(new Uint8Array(2 * 1024 * 1024)))).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
    });
    expect(await rejection(client.large.query(2 * 1024 * 1024))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await beside).toStrictEqual(Uint8Array.of(1));
  });

  it("that cannot be read are the caller's fault, and nobody else's", async () => {
    const { server, client } = await start();
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "save", {}, { $rich: { $bytes: 0 } }], [11, 2, "save", {}, { $rich: { $bytes: "A" } }]);
    expect(await raw.message(21, 1)).toMatchObject([21, 1, { $rich: { data: { code: "BAD_REQUEST" } } }]);
    expect(await raw.message(21, 2)).toMatchObject([21, 2, { $rich: { data: { code: "BAD_REQUEST" } } }]);
    raw.socket.terminate();
    expect(await client.save.mutate(1)).toBe(1);
  });
});

describe("a transformer around rich", () => {
  const upper = (value: unknown): unknown => (typeof value === "string" ? value.toUpperCase() : value);

  it("carries bytes where it is spread", async () => {
    const { server } = await start();
    const transformer = { ...rich, deserialize: (value: unknown) => upper(rich.deserialize(value)) };
    const client = closing(createClient<typeof router>({ url: server.url, transformer }));
    expect(await client.save.mutate("text")).toBe("TEXT");
    expect(await client.save.mutate(Uint8Array.of(1))).toStrictEqual(Uint8Array.of(1));
  });

  it("that hides what reads frames ends the connection for good when bytes come, and says why", async () => {
    const { server } = await start();
    const { serialize, deserialize } = rich;
    const client = closing(createClient<typeof router>({ url: server.url, transformer: { serialize, deserialize } }));
    expect(await client.ask.query("text")).toBe("text");
    expect(await rejection(client.ask.query(Uint8Array.of(1)))).toMatchObject({ code: "BAD_MESSAGE" });
    expect(client.connection.state).toMatchObject({ status: "closed", reason: { code: "BAD_MESSAGE" } });
  });
});

describe("a contract with bytes()", () => {
  const api = contract({
    reverse: mutation({ input: bytes({ maxBytes: 4 }), output: bytes() }),
    runs: subscription({ output: bytes({ maxBytes: 2 }) }),
  });

  async function startApi() {
    const { procedures, router: build } = implement(api, initTRPC.create({ transformer: rich }));
    const server = await startServer({
      router: build({
        reverse: procedures.reverse.mutation(({ input }) => input.toReversed()),
        runs: procedures.runs.subscription(async function* () {
          yield Uint8Array.of(1, 2);
          yield Uint8Array.of(1, 2, 3);
        }),
      }),
      onError: () => {},
    });
    return server.url;
  }

  it("checks them on both sides", async () => {
    const url = await startApi();
    const client = closing(createClient({ contract: api, url, transformer: rich }));
    expect(await client.reverse.mutate(Buffer.from("abc"))).toStrictEqual(Uint8Array.from(Buffer.from("cba")));
    expect(await rejection(client.reverse.mutate(new Uint8Array(5)))).toMatchObject({ code: "BAD_REQUEST" });
    expect(await rejection(client.reverse.mutate("abc" as never))).toMatchObject({ code: "BAD_REQUEST" });
    const checking = closing(createClient({ contract: api, url, transformer: rich, checkInput }));
    expect(await rejection(checking.reverse.mutate(new Uint8Array(5)))).toMatchObject({ code: "BAD_REQUEST" });
    const items: Uint8Array[] = [];
    const read = async (): Promise<void> => {
      for await (const item of client.runs.subscribe()) items.push(item);
    };
    expect(await rejection(read())).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    expect(items).toStrictEqual([Uint8Array.of(1, 2)]);
  });

  it("cannot be implemented without a transformer that keeps them", () => {
    expect(() => implement(api, initTRPC.create() as never)).toThrow(/bytes/);
  });
});

it("a frame of bytes is counted, kept and replayed like any other", async () => {
  const { client, tap } = await start();
  await client.ask.query(1);
  for (let run = 1; run <= 10; run++) {
    const call = client.once.mutate({ run, body: new Uint8Array(100_000).fill(run) });
    if (run % 2 === 0) tap.sockets.at(-1)?.terminate();
    expectSame((await call).reversed, new Uint8Array(100_000).fill(run));
  }
  expect(started).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await until("the client is online", () => client.connection.state.status === "online");
});
