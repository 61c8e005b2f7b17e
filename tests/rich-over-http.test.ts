import { rich, TautlineError } from "@tautline/core";
import { createTRPCClient, httpBatchLink, httpBatchStreamLink } from "@trpc/client";
import { initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { describe, expect, it } from "vitest";

const transformer = rich;
const t = initTRPC.create({
  transformer,
  errorFormatter: ({ shape, error }) => ({ ...shape, data: { ...shape.data, at: new Date(0), inner: error.cause } }),
});

const seen: unknown[] = [];
const router = t.router({
  echo: t.procedure
    .input((input: unknown) => input)
    .query(({ input }) => {
      seen.push(input);
      return input;
    }),
  save: t.procedure.input((input: unknown) => input).mutation(({ input }) => ({ saved: input, on: new Date(5) })),
  refuse: t.procedure.query(() => {
    throw new TRPCError({ code: "CONFLICT", message: "taken", cause: new Error("by ada") });
  }),
  later: t.procedure.query(() => ({ now: 1n, later: Promise.resolve(new Set([new Date(7), Uint8Array.of(7)])) })),
});

const values: readonly [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["plain JSON", { a: [1, "b", { c: true }] }],
  ["a Date", new Date(1_763_805_600_000)],
  ["BigInt, Map and Set, nested", { map: new Map<unknown, unknown>([[1n, new Set([undefined, -0, Number.NaN])]]) }],
  ["URL, RegExp and Error", [new URL("https://example.com/ü?q#h"), /a+/giu, new Error("no")]],
  ["an error with a code", new TautlineError({ code: "NOT_FOUND", message: "nothing" })],
  ["keys that look like tags", [{ $date: "x" }, { $rich: [{ $: 1n }] }, { $rich: 1 }]],
  ["bytes, as base64", { bytes: Uint8Array.of(0, 127, 255), none: new Uint8Array(), all: [Float64Array.of(1.5, -0)] }],
  [
    "an ArrayBuffer, a DataView and a BigInt64Array",
    [Uint8Array.of(1).buffer, new DataView(new ArrayBuffer(2)), BigInt64Array.of(-1n)],
  ],
  ["a lone surrogate and U+2028", ["\ud800", "\u2028\0", 1n]],
];

/** tRPC's HTTP handler as the `fetch` of its client. */
const fetchRouter = (input: RequestInfo | URL, init?: object): Promise<Response> =>
  fetchRequestHandler({ endpoint: "/trpc", req: new Request(input, init), router, createContext: () => ({}) });

const url = "http://127.0.0.1/trpc";

describe.each([
  ["httpBatchLink", httpBatchLink],
  ["httpBatchStreamLink", httpBatchStreamLink],
])("rich over tRPC's own %s", (_name, link) => {
  const client = createTRPCClient<typeof router>({
    links: [link({ url, transformer, fetch: fetchRouter })],
  });

  it("carries a Buffer as bytes", async () => {
    expect(await client.echo.query(Buffer.from("abc"))).toStrictEqual(Uint8Array.from(Buffer.from("abc")));
  });

  it.each(values)("carries %s to a query and back", async (_of, value) => {
    seen.length = 0;
    expect(await client.echo.query(value)).toStrictEqual(value);
    expect(seen).toStrictEqual([value]);
  });

  it("carries all of them in one batch", async () => {
    const results = await Promise.all(values.map(([, value]) => client.echo.query(value)));
    expect(results).toStrictEqual(values.map(([, value]) => value));
  });

  it.each(values)("carries %s through a mutation", async (_of, value) => {
    expect(await client.save.mutate(value)).toStrictEqual({ saved: value, on: new Date(5) });
  });

  it("carries rich values in an error's shape", async () => {
    await expect(client.refuse.query()).rejects.toMatchObject({
      message: "taken",
      data: { code: "CONFLICT", at: new Date(0), inner: new Error("by ada") },
    });
  });
});

it("carries what comes later through httpBatchStreamLink", async () => {
  const links = [httpBatchStreamLink({ url, transformer, fetch: fetchRouter })];
  const { now, later } = await createTRPCClient<typeof router>({ links }).later.query();
  expect([now, await later]).toStrictEqual([1n, new Set([new Date(7), Uint8Array.of(7)])]);
});
