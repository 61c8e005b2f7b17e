import { type ConnectionOptions, createClient, type RouterClient } from "@tautline/client";
import { type ExposedErrorReport, type ExposedHandlers, type ExposeOptions, expose } from "@tautline/client/expose";
import { tautlineLink } from "@tautline/client/link";
import { ContractError, contract, query, rich, TautlineError } from "@tautline/core";
import type { ErrorReport, ServeOptions, TautlineServer } from "@tautline/server";
import { createTRPCClient } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import {
  type CallingContext,
  type CallingRouter,
  type ClientCalls,
  callingRouter,
  clientApi,
} from "./fixture/client-api.ts";
import { createGate } from "./fixture/gate.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

type Handlers = ExposedHandlers<typeof clientApi>;

/** What the handlers of the client were called with. */
let asked: unknown[] = [];

const handlers: Handlers = {
  confirm: ({ input }) => {
    asked.push(input);
    return input.question.length > 3;
  },
  notes: {
    add: async ({ input }) => ({ at: new Date(5), text: input }),
    forget: ({ input }) => void asked.push(input),
  },
  length: ({ input }) => input,
  clicks: async function* ({ input }) {
    for (let x = 0; x < input.count; x++) yield { x };
  },
  log: async function* () {
    yield { id: "1", data: "first" };
    yield { id: "2", data: "second" };
  },
};

interface Setup {
  readonly server: TautlineServer;
  readonly client: RouterClient<CallingRouter>;
  /** What the server calls the client with. */
  readonly calls: ClientCalls;
  /** What the client's `onError` heard. */
  readonly reports: readonly ExposedErrorReport[];
}

async function start(
  given: Partial<Handlers> = {},
  options: {
    expose?: ExposeOptions;
    serve?: Partial<ServeOptions<CallingRouter>>;
    client?: Partial<ConnectionOptions>;
  } = {},
): Promise<Setup> {
  asked = [];
  const contexts: CallingContext[] = [];
  const server = await startServer({
    router: callingRouter,
    ...options.serve,
    createContext: ({ client }) => {
      const context = { client: client(clientApi) };
      contexts.push(context);
      return context;
    },
  });
  const reports: ExposedErrorReport[] = [];
  const onError = (report: ExposedErrorReport): void => void reports.push(report);
  const client = closing(
    createClient<CallingRouter>({
      url: server.url,
      transformer: rich,
      expose: expose(clientApi, { ...handlers, ...given }, { onError, ...options.expose }),
      ...options.client,
    }),
  );
  await client.ping.query();
  const [context] = contexts;
  if (context === undefined) throw new Error("there is no context");
  return { server, client, calls: context.client, reports };
}

describe("a client that exposes procedures", () => {
  it("is called by the handler that it calls", async () => {
    const { client } = await start();
    expect(await client.ask.query("sure?")).toBe("yes");
    expect(await client.ask.query("eh?")).toBe("no");
    expect(asked).toEqual([{ question: "sure?" }, { question: "eh?" }]);
  });

  it("answers queries and mutations, nested ones too, with what the transformer keeps", async () => {
    const { calls } = await start();
    expect(await calls.confirm.query({ question: "really?" })).toBe(true);
    expect(await calls.notes.add.mutate("  milk ")).toEqual({ at: new Date(5), text: "milk" });
    expect(await calls.notes.forget.mutate()).toBe(undefined);
    expect(asked.at(-1)).toBe(undefined);
  });

  it("gives what the schema makes of its answer, once", async () => {
    const { calls } = await start();
    expect(await calls.length.query("four")).toBe(4);
  });

  it("answers subscriptions, read in a loop or by callbacks, with ids where the contract says so", async () => {
    const { calls } = await start();
    expect(await collect(calls.clicks.subscribe({ count: 3 }))).toEqual([{ x: 0 }, { x: 1 }, { x: 2 }]);
    expect(await collect(calls.log.subscribe())).toEqual([
      { id: "1", data: "first" },
      { id: "2", data: "second" },
    ]);
    const heard: unknown[] = [];
    calls.clicks.subscribe(
      { count: 2 },
      {
        onStarted: () => heard.push("started"),
        onData: (item) => heard.push(item),
        onComplete: () => heard.push("complete"),
      },
    );
    await until("it is complete", () => heard.includes("complete"));
    expect(heard).toEqual(["started", { x: 0 }, { x: 1 }, "complete"]);
  });

  it("is told when a call is aborted, when its time is over, and when a loop is left", async () => {
    const reasons: unknown[] = [];
    const wait = (signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reasons.push((signal.reason as TautlineError).code);
          reject(signal.reason as Error);
        });
      });
    const { calls } = await start({
      confirm: ({ signal }) => wait(signal),
      clicks: async function* ({ signal }) {
        yield { x: 1 };
        await wait(signal);
      },
    });
    const controller = new AbortController();
    const aborted = rejection(calls.confirm.query({ question: "" }, { signal: controller.signal }));
    const late = rejection(calls.confirm.query({ question: "" }, { timeoutMs: 1 }));
    expect(await late).toMatchObject({ code: "TIMEOUT" });
    controller.abort();
    expect(await aborted).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    for await (const { x } of calls.clicks.subscribe({ count: 1 })) if (x === 1) break;
    await until("all have heard", () => reasons.length === 3);
    expect(reasons).toEqual(["TIMEOUT", "CLIENT_CLOSED_REQUEST", "CLIENT_CLOSED_REQUEST"]);
  });

  it("does not start what was given up in the same turn", async () => {
    const { calls } = await start();
    const controller = new AbortController();
    const given = rejection(calls.confirm.query({ question: "a" }, { signal: controller.signal }));
    controller.abort();
    await given;
    await calls.confirm.query({ question: "b" });
    expect(asked).toEqual([{ question: "b" }]);
  });

  it("is told of deliberate errors with code and message, and of others that there was one", async () => {
    const secret = new Error("secret");
    const { calls, reports } = await start({
      confirm: () => {
        throw new TautlineError({ code: "FORBIDDEN", message: "not now" });
      },
      length: () => Promise.reject(secret),
      clicks: async function* () {
        yield { x: 1 };
        throw secret;
      },
      notes: {
        add: () => {
          throw new TautlineError({ code: "SESSION_LOST", message: "secret" });
        },
        forget: () => {
          throw "a text";
        },
      },
    });
    const generic = { code: "INTERNAL_SERVER_ERROR", message: "Internal server error" };
    expect(await rejection(calls.confirm.query({ question: "" }))).toMatchObject({
      code: "FORBIDDEN",
      message: "not now",
      shape: { message: "not now", code: -32003, data: { code: "FORBIDDEN", path: "confirm" } },
    });
    expect(await rejection(calls.length.query(""))).toMatchObject(generic);
    expect(await rejection(collect(calls.clicks.subscribe({ count: 1 })))).toMatchObject(generic);
    expect(await rejection(calls.notes.add.mutate("a"))).toMatchObject(generic);
    expect(await rejection(calls.notes.forget.mutate())).toMatchObject(generic);
    expect(reports.map(({ type, path, error }) => [type, path, error.code, error.cause])).toEqual([
      ["query", "confirm", "FORBIDDEN", undefined],
      ["query", "length", "INTERNAL_SERVER_ERROR", secret],
      ["subscription", "clicks", "INTERNAL_SERVER_ERROR", secret],
      ["mutation", "notes.add", "SESSION_LOST", undefined],
      ["mutation", "notes.forget", "INTERNAL_SERVER_ERROR", "a text"],
    ]);
  });

  it("checks input before a handler runs, and output and items before they are sent", async () => {
    const { calls, reports } = await start({
      confirm: () => "yes" as never,
      clicks: async function* () {
        yield { x: 1 };
        yield { x: "2" as never };
      },
    });
    expect(await rejection(calls.notes.add.mutate("   "))).toMatchObject({
      code: "BAD_REQUEST",
      message: expect.stringContaining("Too small") as string,
    });
    expect(await rejection(calls.confirm.query({ question: "" }))).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of calls.clicks.subscribe({ count: 1 })) items.push(item);
    })();
    expect(await rejection(reading)).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    expect(items).toEqual([{ x: 1 }]);
    expect(reports.map(({ error }) => error.code)).toEqual([
      "BAD_REQUEST",
      "INTERNAL_SERVER_ERROR",
      "INTERNAL_SERVER_ERROR",
    ]);
  });

  it("refuses what is over its limits, and takes more when there is room again", async () => {
    const gate = createGate();
    const { calls } = await start(
      {
        confirm: async () => {
          await gate.opened;
          return true;
        },
      },
      { expose: { maxCalls: 2 } },
    );
    const answers = [1, 2].map((n) => calls.confirm.query({ question: `${n}` }));
    expect(await rejection(calls.confirm.query({ question: "3" }))).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    gate.open();
    expect(await Promise.all(answers)).toEqual([true, true]);
    expect(await calls.confirm.query({ question: "4" })).toBe(true);
  });

  it("says of a result that cannot be sent, to itself alone, why", async () => {
    const { calls, reports } = await start(
      { length: () => "x".repeat(2_000), confirm: () => true },
      { client: { maxFrameBytes: 1_000 } },
    );
    expect(await rejection(calls.length.query(""))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await calls.confirm.query({ question: "" })).toBe(true);
    expect(reports).toHaveLength(1);
  });

  it("is called over tautlineLink as well", async () => {
    const { server } = await start();
    const link = closing(
      tautlineLink<CallingRouter>({
        url: server.url,
        transformer: rich,
        expose: expose(clientApi, { ...handlers, confirm: ({ input }) => input.question === "link?" }),
      }),
    );
    const trpc = createTRPCClient<CallingRouter>({ links: [link] });
    expect(await trpc.ask.query("link?")).toBe("yes");
  });

  it("has a limit on what the server asks of it at a time, at the server too", async () => {
    const { calls } = await start(
      { confirm: () => new Promise(() => {}) },
      { serve: { maxCalls: 2, maxSubscriptions: 1 } },
    );
    const waiting = [1, 2, 3].map((n) => rejection(calls.confirm.query({ question: `${n}` })));
    expect(await rejection(calls.confirm.query({ question: "4" }))).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    expect(waiting).toHaveLength(3);
  });
});

describe("a server that calls its clients", () => {
  it("gets an error at once where the client exposes nothing, and the connection stays", async () => {
    const server = await startServer({
      router: callingRouter,
      createContext: ({ client }) => ({ client: client(clientApi) }),
    });
    const client = closing(createClient<CallingRouter>({ url: server.url, transformer: rich }));
    expect(await rejection(client.ask.query("sure?"))).toMatchObject({
      code: "NOT_IMPLEMENTED",
      message: "the client exposes no procedures",
    });
    expect(await client.ping.query()).toBe("pong");
    expect(client.connection.state.status).toBe("online");
  });

  it("gets NOT_FOUND for what the client does not have, and BAD_REQUEST for what is of another type", async () => {
    const otherApi = contract({ confirm: query(), elsewhere: query(), constructor: query() });
    const t = initTRPC.context<{ calls: Record<string, { query(): Promise<unknown> }> }>().create();
    const router = t.router({
      reach: t.procedure.input(z.string()).query(({ ctx, input }) => ctx.calls[input]?.query()),
    });
    const server = await startServer({
      router,
      onError: () => {},
      createContext: ({ client }) => ({ calls: client(otherApi) }),
    });
    const someApi = contract({ elsewhere: clientApi.notes.add });
    const client = closing(
      createClient<typeof router>({
        url: server.url,
        expose: expose(someApi, { elsewhere: () => ({ at: new Date(), text: "" }) }),
      }),
    );
    for (const path of ["confirm", "constructor"])
      expect(await rejection(client.reach.query(path))).toMatchObject({ code: "NOT_FOUND" });
    expect(await rejection(client.reach.query("elsewhere"))).toMatchObject({ code: "BAD_REQUEST" });
  });

  it("cannot call before the context stands: createContext is told so", async () => {
    const reports: ErrorReport<unknown>[] = [];
    const server = await startServer({
      router: callingRouter,
      onError: (report) => reports.push(report),
      createContext: async ({ client }) => {
        const calls = client(clientApi);
        await calls.confirm.query({ question: "who?" });
        return { client: calls };
      },
    });
    const client = closing(
      createClient<CallingRouter>({
        url: server.url,
        transformer: rich,
        expose: expose(clientApi, handlers),
        backoff: { baseMs: 100_000, maxMs: 100_000 },
        random: () => 1,
      }),
    );
    client.connection.connect();
    await until("it is refused", () => client.connection.state.status === "reconnecting");
    expect(reports).toMatchObject([{ error: { cause: { code: "PRECONDITION_FAILED" } } }]);
  });

  it("does not take a contract that is none, or that its transformer does not keep: no client is let in", async () => {
    const reports: ErrorReport<unknown>[] = [];
    const t = initTRPC.context<object>().create();
    const router = t.router({ ping: t.procedure.query(() => "pong") });
    for (const unsound of [clientApi, contract({ then: query() })]) {
      const server = await startServer<typeof router>({
        router,
        onError: (report) => reports.push(report),
        createContext: ({ client }) => ({ client: client(unsound) }),
      });
      const client = closing(createClient<typeof router>({ url: server.url }));
      client.connection.connect();
      await until("it is refused", () => client.connection.state.status === "reconnecting");
      client.connection.close();
    }
    expect(reports.map(({ error }) => error.cause)).toEqual([expect.any(ContractError), expect.any(ContractError)]);
    expect(reports[0]?.error.message).toContain("notes.add");
  });

  it("calls with the context that newer credentials have made", async () => {
    const contexts: CallingContext[] = [];
    const server = await startServer({
      router: callingRouter,
      createContext: async ({ client }) => {
        const calls = client(clientApi);
        const first = contexts.length === 0;
        contexts.push({ client: calls });
        if (!first) expect(await calls.length.query("in createContext")).toBe(16);
        return { client: calls };
      },
    });
    const client = closing(
      createClient<CallingRouter>({ url: server.url, transformer: rich, expose: expose(clientApi, handlers) }),
    );
    await client.ping.query();
    await client.connection.authenticate({ token: "newer" });
    expect(await client.ask.query("still there?")).toBe("yes");
    expect(contexts).toHaveLength(2);
    expect(await contexts[0]?.client.length.query("old one")).toBe(7);
  });
});

describe("expose", () => {
  it("does not take handlers that are missing, or that belong to nothing", () => {
    const { confirm: _confirm, ...without } = handlers;
    expect(() => expose(clientApi, without as Handlers)).toThrow('"confirm" has no handler');
    expect(() => expose(clientApi, { ...handlers, notes: {} } as unknown as Handlers)).toThrow("notes.add");
    expect(() => expose(clientApi, { ...handlers, more: () => 1 } as Handlers)).toThrow(
      '"more" is not in the contract',
    );
  });

  it("does not take a transformer that only calls", () => {
    const half = { input: { serialize: superjson.serialize }, output: { deserialize: superjson.deserialize } };
    expect(() =>
      createClient<CallingRouter>({
        url: "ws://localhost",
        transformer: half as unknown as typeof superjson,
        expose: expose(clientApi, handlers),
      }),
    ).toThrow("both directions");
  });
});
