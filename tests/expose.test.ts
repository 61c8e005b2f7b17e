import { createClient } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { tautlineLink } from "@tautline/client/link";
import { rich, TautlineError } from "@tautline/core";
import { createTRPCClient } from "@trpc/client";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import { type CallingRouter, clientApi } from "./fixture/client-api.ts";
import { type Handlers, handlers, startExposing } from "./fixture/exposing-client.ts";
import { createGate } from "./fixture/gate.ts";

cleanUpAfterEach();

describe("a client that exposes procedures", () => {
  it("is called by the handler that it calls", async () => {
    const asked: unknown[] = [];
    const { client } = await startExposing({
      confirm: ({ input }) => {
        asked.push(input);
        return input.question.length > 3;
      },
    });
    expect(await client.ask.query("sure?")).toBe("yes");
    expect(await client.ask.query("eh?")).toBe("no");
    expect(asked).toEqual([{ question: "sure?" }, { question: "eh?" }]);
  });

  it("answers queries and mutations, nested ones too, with what the transformer keeps", async () => {
    let forgotten: unknown = "not called";
    const forget: Handlers["notes"]["forget"] = ({ input }) => {
      forgotten = input;
    };
    const { calls } = await startExposing({ notes: { ...handlers.notes, forget } });
    expect(await calls.confirm.query({ question: "really?" })).toBe(true);
    expect(await calls.notes.add.mutate("  milk ")).toEqual({ at: new Date(5), text: "milk" });
    expect(await calls.notes.forget.mutate()).toBe(undefined);
    expect(forgotten).toBe(undefined);
  });

  it("gives what the schema makes of its answer, once", async () => {
    const { calls } = await startExposing();
    expect(await calls.length.query("four")).toBe(4);
  });

  it("answers subscriptions, read in a loop or by callbacks, with ids where the contract says so", async () => {
    const { calls } = await startExposing();
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
    const { calls } = await startExposing({
      confirm: ({ signal }) => wait(signal),
      clicks: async function* ({ signal }) {
        yield { x: 1 };
        await wait(signal);
      },
    });
    const controller = new AbortController();
    const aborted = rejection(calls.confirm.query({ question: "" }, { signal: controller.signal }));
    // Long enough to be started: what is given up before is never asked.
    const late = rejection(calls.confirm.query({ question: "" }, { timeoutMs: 1_000 }));
    expect(await late).toMatchObject({ code: "TIMEOUT" });
    controller.abort();
    expect(await aborted).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    for await (const { x } of calls.clicks.subscribe({ count: 1 })) if (x === 1) break;
    await until("all have heard", () => reasons.length === 3);
    expect(reasons).toEqual(["TIMEOUT", "CLIENT_CLOSED_REQUEST", "CLIENT_CLOSED_REQUEST"]);
  });

  it("does not start what was given up in the same turn", async () => {
    const asked: unknown[] = [];
    const { calls } = await startExposing({ confirm: ({ input }) => asked.push(input) > 0 });
    const controller = new AbortController();
    const given = rejection(calls.confirm.query({ question: "a" }, { signal: controller.signal }));
    controller.abort();
    await given;
    await calls.confirm.query({ question: "b" });
    expect(asked).toEqual([{ question: "b" }]);
  });

  it("is told of deliberate errors with code and message, and of others that there was one", async () => {
    const secret = new Error("secret");
    const { calls, reports } = await startExposing({
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
          // oxlint-disable-next-line typescript/only-throw-error -- whatever is thrown
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
    const { calls, reports } = await startExposing({
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
    const { calls } = await startExposing(
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
    const { calls, reports } = await startExposing(
      { length: () => "x".repeat(2_000), confirm: () => true },
      { client: { maxFrameBytes: 1_000 } },
    );
    expect(await rejection(calls.length.query(""))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await calls.confirm.query({ question: "" })).toBe(true);
    expect(reports).toHaveLength(1);
  });

  it("is called over tautlineLink as well", async () => {
    const { server } = await startExposing();
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
        transformer: half,
        expose: expose(clientApi, handlers),
      }),
    ).toThrow("both directions");
  });
});
