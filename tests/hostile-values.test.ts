import { createClient } from "@tautline/client";
import type { ErrorReport, ServeOptions, TautlineServer } from "@tautline/server";
import { initTRPC, TRPCError } from "@trpc/server";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import { circular, thrown, unsendable } from "./fixture/hostile-values.ts";
import { openGreeted, type RawClient } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { countingRouter, expectNoLeak, startWitness, type Witness } from "./fixture/witness.ts";

cleanUpAfterEach();

// As tRPC is in development: its own shapes hold stacks.
const t = initTRPC.create({ isDev: true });
let tornDown = 0;

const values: ReadonlyMap<string, unknown> = new Map([...thrown, ...unsendable]);
const named = t.procedure.input(z.string());

function throwNamed(name: string): never {
  throw values.get(name);
}

const router = t.mergeRouters(
  countingRouter,
  t.router({
    fine: t.procedure.query(() => "fine"),
    throws: named.query(({ input }) => throwNamed(input)),
    rejects: named.mutation(async ({ input }) => throwNamed(input)),
    middleware: named.use(({ input }) => throwNamed(input)).query(() => "never"),
    throwsFirst: named.subscription(({ input }): AsyncGenerator<number> => throwNamed(input)),
    throwsLater: named.subscription(async function* ({ input }) {
      yield 1;
      throwNamed(input);
    }),
    gives: named.query(({ input }) => values.get(input)),
    givesLater: named.mutation(async ({ input }) => [values.get(input)]),
    yields: named.subscription(async function* ({ input }) {
      try {
        yield 1;
        yield [values.get(input)];
        yield 2;
      } finally {
        tornDown++;
      }
    }),
    nextThrows: t.procedure.subscription(() => iterate(() => throwNamed("an error"))),
    nextIsNoPromise: t.procedure.subscription(() => iterate(() => 5 as never)),
    returnThrows: t.procedure.subscription(() =>
      iterate(
        () => new Promise(() => {}),
        () => throwNamed("an error"),
      ),
    ),
    iteratorThrows: t.procedure.subscription(
      (): AsyncIterable<number> => ({ [Symbol.asyncIterator]: () => throwNamed("an error") }),
    ),
    badInput: t.procedure.input((): string => throwNamed("an error")).query(({ input }) => input),
    badOutput: t.procedure.output((): string => throwNamed("an error")).query(() => "x"),
  }),
);
type Router = typeof router;

function iterate(
  next: () => Promise<IteratorResult<number>>,
  end: () => Promise<IteratorResult<number>> = async () => ({ done: true, value: undefined }),
): AsyncIterable<number> {
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

interface Setup {
  readonly server: TautlineServer;
  readonly witness: Witness;
  readonly raw: RawClient;
  readonly reports: ErrorReport<object>[];
}

async function start(options: Partial<ServeOptions<Router>> = {}): Promise<Setup> {
  tornDown = 0;
  const reports: ErrorReport<object>[] = [];
  const server = await startServer<Router>({ router, onError: (report) => void reports.push(report), ...options });
  return { server, witness: await startWitness(server.url), raw: await openGreeted(server.url), reports };
}

const generic = (path: string): object => ({
  code: -32_603,
  data: { code: "INTERNAL_SERVER_ERROR", httpStatus: 500, path },
});

/** The call ended with an error that says nothing, its cause was reported, and the connection goes on. */
async function expectGenericError({ raw, witness, reports }: Setup, id: number, path: string): Promise<void> {
  const error = await raw.message(21, id);
  expect(error).toMatchObject([21, id, generic(path)]);
  expect(error[2]).toHaveProperty("message", expect.stringMatching(/^(Internal server error|INTERNAL_SERVER_ERROR)$/));
  expect(reports).toMatchObject([{ path }]);
  raw.send([10, 1_000, "fine", {}]);
  expect(await raw.message(20, 1_000)).toEqual([20, 1_000, "fine"]);
  await witness.check();
  expectNoLeak(raw);
}

describe("a handler that throws", () => {
  const places = [
    [10, "throws"],
    [11, "rejects"],
    [10, "middleware"],
    [12, "throwsFirst"],
    [12, "throwsLater"],
  ] as const;
  const rows = places.flatMap(([type, path]) => thrown.map(([what]) => [what, path, type] as const));

  it.each(rows)("%s says nothing of it to clients: %s", async (what, path, type) => {
    const setup = await start();
    setup.raw.send([type, 1, path, {}, what]);
    await expectGenericError(setup, 1, path);
  });

  it.each([
    [12, "nextThrows"],
    [12, "nextIsNoPromise"],
    [12, "iteratorThrows"],
    [10, "badOutput"],
  ])("through %i %s says nothing of it to clients", async (type, path) => {
    const setup = await start();
    setup.raw.send([type, 1, path, {}]);
    if (path === "badOutput") {
      expect(await setup.raw.message(21, 1)).toMatchObject([
        21,
        1,
        { ...generic(path), message: "Output validation failed" },
      ]);
      return expectNoLeak(setup.raw);
    }
    await expectGenericError(setup, 1, path);
  });

  it("in an iterator's return harms nobody, and is reported", async () => {
    const { raw, witness, reports } = await start();
    raw.send([12, 1, "returnThrows", {}]);
    await raw.message(22, 1);
    raw.send([13, 1], [10, 2, "fine", {}]);
    await raw.message(20, 2);
    await until("the error is reported", () => reports.length > 0);
    expect(reports).toMatchObject([{ path: "returnThrows", error: { message: "secret" } }]);
    await witness.check();
  });
});

describe("a value that cannot be sent", () => {
  const rows = (["gives", "givesLater", "yields"] as const).flatMap((path) =>
    unsendable
      .filter(([what]) => !(path === "yields" && what.includes("then")))
      .map(([what]) => [what, path, path === "gives" ? 10 : path === "givesLater" ? 11 : 12] as const),
  );

  it.each(rows)("%s is an error of its call alone: %s", async (what, path, type) => {
    const { raw, witness, reports } = await start();
    raw.send([type, 1, path, {}, what], [10, 2, "fine", {}]);
    const code = what === "a text over the limit" ? "PAYLOAD_TOO_LARGE" : "INTERNAL_SERVER_ERROR";
    expect(await raw.message(21, 1)).toMatchObject([21, 1, { data: { code } }]);
    expect(await raw.message(20, 2)).toEqual([20, 2, "fine"]);
    expect(reports).toMatchObject([{ path, error: { code } }]);
    if (type === 12) await until("the generator is torn down", () => tornDown === 1);
    await witness.check();
    expectNoLeak(raw);
  });
});

describe("an error", () => {
  it("is told in full with errorDetail: full", async () => {
    const { raw } = await start({ errorDetail: "full" });
    raw.send([10, 1, "throws", {}, "an error"]);
    const [, , shape] = (await raw.message(21, 1)) as [number, number, { message: string; data: { stack: string } }];
    expect(shape.message).toBe("secret");
    expect(shape.data.stack).toContain("hostile-values.test.ts");
  });

  it("reaches onError with its cause, its call and its request", async () => {
    const { raw, reports } = await start();
    raw.send([10, 1, "throws", {}, "an error"]);
    await raw.message(21, 1);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ type: "query", path: "throws", input: "an error", ctx: undefined });
    expect(reports[0]?.error.cause).toBe(values.get("an error"));
    expect(reports[0]?.req.headers["sec-websocket-protocol"]).toBe("tautline.v1");
  });

  it.each([
    ["throws", () => throwNamed("a text")],
    ["rejects", (): never => Promise.reject(new Error("secret")) as never],
  ])("is answered though onError %s", async (_how, onError) => {
    const { raw, witness } = await start({ onError });
    raw.send([10, 1, "throws", {}, "an error"], [10, 2, "nowhere", {}]);
    expect(await raw.message(21, 1)).toMatchObject([21, 1, generic("throws")]);
    expect(await raw.message(21, 2)).toMatchObject([21, 2, { data: { code: "NOT_FOUND" } }]);
    await witness.check();
    expectNoLeak(raw);
  });

  it.each([
    ["throws", (): never => throwNamed("an error")],
    ["gives nothing", (): never => undefined as never],
    ["gives what cannot be sent", (): never => ({ message: "m", code: 1, data: { value: 1n } }) as never],
    ["gives what is too large", (): never => ({ message: "secret ".repeat(200_000), code: 1, data: {} }) as never],
  ])("is generic where the errorFormatter %s, which is reported", async (_how, errorFormatter) => {
    const broken = initTRPC.create({ errorFormatter });
    const brokenRouter = broken.router({
      refuse: broken.procedure.query(() => {
        throw new TRPCError({ code: "FORBIDDEN", message: "not you" });
      }),
      fine: broken.procedure.query(() => "fine"),
    });
    const reports: unknown[] = [];
    const server = await startServer({ router: brokenRouter, onError: (report) => void reports.push(report) });
    const raw = await openGreeted(server.url);
    raw.send([10, 1, "refuse", {}], [10, 2, "fine", {}]);
    expect(await raw.message(21, 1)).toMatchObject([
      21,
      1,
      { message: "Internal server error", code: -32_603, data: { code: "INTERNAL_SERVER_ERROR" } },
    ]);
    expect(await raw.message(20, 2)).toEqual([20, 2, "fine"]);
    expect(reports).toHaveLength(2);
    expectNoLeak(raw);
  });
});

describe("a transformer", () => {
  const s = initTRPC.create({ transformer: superjson });
  const superRouter = s.router({
    echo: s.procedure.input((input: unknown) => input).query(({ input }) => input),
    fine: s.procedure.query(() => "fine"),
  });

  it.each([
    ["a type it does not know", { json: 1, meta: { values: ["nonsense"] } }],
    ["a path through __proto__", { json: {}, meta: { values: { "__proto__.polluted": ["Date"] } } }],
    ["a path through constructor", { json: {}, meta: { values: { "constructor.prototype.polluted": ["Date"] } } }],
    ["a path to nowhere", { json: {}, meta: { values: { "a.b.c": ["Date"] } } }],
    ["a broken pattern", { json: "/(/", meta: { values: ["regexp"] } }],
    ["references in a circle", { json: { a: 1 }, meta: { referentialEqualities: { a: ["a.b", "__proto__.x"] } } }],
    ["meta of the wrong kind", { json: 1, meta: 5 }],
    ["no object", 5],
    ["null", null],
  ])("that is given %s harms nobody", async (_what, input) => {
    const server = await startServer({ router: superRouter, onError: () => {} });
    const raw = await openGreeted(server.url);
    raw.send([10, 1, "echo", {}, input], [10, 2, "fine", {}]);
    await raw.message(20, 2);
    await until("the call is answered", () => raw.messages().some((message) => (message as [number, number])[1] === 1));
    const [type, , shape] = raw.messages().find((message) => (message as [number, number])[1] === 1) as unknown[];
    if (type === 21) expect(shape).toMatchObject({ json: { data: { code: "BAD_REQUEST" } } });
    expect(Object.keys(Object.prototype)).toEqual([]);
    expectNoLeak(raw);
  });

  it("that cannot read a result fails that call alone, at the client", async () => {
    const server = await startServer({ router: superRouter });
    const client = closing(
      createClient<typeof superRouter>({
        url: server.url,
        transformer: {
          input: superjson,
          output: {
            deserialize: (value) => {
              if (JSON.stringify(value).includes("poison")) throw new Error("unreadable");
              return superjson.deserialize(value as never);
            },
          },
        },
      }),
    );
    const [bad, good] = await Promise.all([rejection(client.echo.query("poison")), client.fine.query()]);
    expect(bad).toMatchObject({ code: "PARSE_ERROR" });
    expect(good).toBe("fine");
  });

  it("that cannot write an input fails that call alone, before it is sent", async () => {
    const { server } = await start();
    const client = closing(createClient<Router>({ url: server.url }));
    const [bad, good] = await Promise.all([rejection(client.throws.query(1n as never)), client.fine.query()]);
    expect(bad).toMatchObject({ code: "BAD_REQUEST" });
    expect(good).toBe("fine");
    const items = collect(client.yields.subscribe(circular() as never));
    expect(await rejection(items)).toMatchObject({ code: "BAD_REQUEST" });
  });
});
