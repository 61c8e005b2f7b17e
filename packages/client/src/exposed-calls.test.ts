import { contract, mutation, query, subscription, TautlineError } from "@tautline/core";
import { MemoryNetwork, type MemorySocket } from "@tautline/core/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { ClientConnection } from "./connection-state.ts";
import { createClient } from "./create-client.ts";
import { expose } from "./expose.ts";
import type { ExposedErrorReport, ExposeOptions } from "./options.ts";

const api = contract({
  greet: query({ input: z.string(), output: z.string() }),
  nested: { save: mutation({ input: z.unknown() }) },
  count: subscription({ output: z.number() }),
  wait: query(),
});

type Sent = readonly [type: number, ...unknown[]];

/** A server that says what the test tells it to, and a client that exposes procedures to it. */
class Setup {
  readonly network = new MemoryNetwork({ settle: () => new Promise((resolve) => setImmediate(resolve)) });
  /** What the client sent. */
  readonly came: Sent[] = [];
  readonly reports: ExposedErrorReport[] = [];
  readonly signals: AbortSignal[] = [];
  readonly connection: ClientConnection;
  /** What `greet` does. */
  greet: (name: string) => string | Promise<string> = (name) => `hello ${name}`;
  /** What `count` gives. */
  count: () => AsyncIterable<number> = async function* () {
    for (let n = 0; ; n++) yield n;
  };
  closed: number | undefined = undefined;
  #socket: MemorySocket | undefined;

  constructor(options: ExposeOptions = {}, exposes = true) {
    this.network.listen("ws://server/", (socket) => {
      this.#socket = socket;
      socket.listen({
        onFrame: (frame) => this.came.push(...(JSON.parse(frame as string) as Sent[])),
        onClosed: (code) => {
          this.closed = code;
        },
      });
    });
    const handlers = {
      greet: ({ input }: { input: string }) => this.greet(input),
      nested: { save: () => {} },
      count: () => this.count(),
      wait: ({ signal }: { signal: AbortSignal }) => {
        this.signals.push(signal);
        return new Promise<void>(() => {});
      },
    };
    const onError = (report: ExposedErrorReport): void => void this.reports.push(report);
    const client = createClient({
      contract: contract({}),
      url: "ws://server/",
      ...this.network.clientOptions,
      ...(exposes && { expose: expose(api, handlers, { onError, ...options }) }),
    });
    this.connection = client.connection;
    this.connection.connect();
  }

  /** Sends messages in one frame, and waits for what comes of them. */
  async say(...messages: readonly Sent[]): Promise<readonly Sent[]> {
    await this.network.advance(10);
    const before = this.came.length;
    this.#socket?.send(JSON.stringify(messages));
    await this.network.advance(10);
    return this.came.slice(before);
  }

  async welcome(): Promise<void> {
    await this.say([1, { token: "t", windowMs: 1_000 }]);
  }
}

async function start(options: ExposeOptions = {}): Promise<Setup> {
  const setup = new Setup(options);
  await setup.welcome();
  return setup;
}

describe("a client that exposes procedures", () => {
  test("says so in hello; another client does not", async () => {
    const [with_, without] = [new Setup(), new Setup({}, false)];
    for (const setup of [with_, without]) await setup.welcome();
    expect(with_.came[0]?.[2]).toMatchObject({ serves: true });
    expect(without.came[0]?.[2]).not.toHaveProperty("serves");
  });

  test("answers in the order in which its handlers do, each call once", async () => {
    const setup = await start();
    expect(await setup.say([10, 1, "greet", {}, "Ada"], [11, 2, "nested.save", {}, { a: 1 }])).toEqual([
      [20, 1, "hello Ada"],
      [20, 2],
    ]);
  });

  test.each(["nothing", "", "greet.", "constructor", "__proto__", "nested", "nested.toString", "toString"])(
    "has NOT_FOUND for %j",
    async (path) => {
      const setup = await start();
      expect(await setup.say([10, 1, path, {}])).toMatchObject([
        [21, 1, { code: -32004, data: { code: "NOT_FOUND" } }],
      ]);
      expect(setup.closed).toBe(undefined);
    },
  );

  test("has BAD_REQUEST for another type, and for input that does not fit; its handler does not run", async () => {
    const setup = await start();
    setup.greet = () => expect.fail("it ran");
    expect(await setup.say([11, 1, "greet", {}, "Ada"], [10, 2, "greet", {}, 5], [10, 3, "greet", {}])).toMatchObject([
      [21, 1, { data: { code: "BAD_REQUEST" } }],
      [21, 2, { data: { code: "BAD_REQUEST" } }],
      [21, 3, { data: { code: "BAD_REQUEST" } }],
    ]);
  });

  test("sends no further than the server grants, and stops when it cancels", async () => {
    const setup = await start();
    const items = await setup.say([12, 1, "count", {}]);
    expect(items.slice(0, 3)).toEqual([
      [22, 1],
      [23, 1, 0],
      [23, 1, 1],
    ]);
    const { length } = items;
    expect(length).toBeLessThan(3_000);
    expect(await setup.say([3, setup.came.filter(([type]) => type >= 10).length])).toHaveLength(1);
    expect(await setup.say([13, 1])).toEqual([]);
  });

  test("ends a source whose item does not fit, and one whose cancel comes while it waits", async () => {
    const setup = await start();
    let ended = 0;
    let next: () => Promise<IteratorResult<number>> = () =>
      Promise.resolve({ done: false, value: "no number" as never });
    setup.count = () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => next(),
        return: () => {
          ended++;
          return Promise.reject(new Error("in return"));
        },
      }),
    });
    expect(await setup.say([12, 1, "count", {}])).toMatchObject([
      [22, 1],
      [21, 1, { data: { code: "INTERNAL_SERVER_ERROR" } }],
    ]);
    expect(ended).toBe(1);
    next = () => new Promise(() => {});
    await setup.say([12, 2, "count", {}]);
    await setup.say([13, 2]);
    expect(ended).toBe(2);
  });

  test.each<[what: string, thrown: unknown]>([
    ["an Error", new Error("secret")],
    ["a text", "secret"],
    ["nothing", undefined],
    [
      "an object that throws when it is looked at",
      Object.defineProperty(new Error("x"), "message", {
        get: () => {
          throw new Error("secret");
        },
      }),
    ],
    ["an error of this product's own code", new TautlineError({ code: "OUTCOME_UNKNOWN", message: "secret" })],
    ["INTERNAL_SERVER_ERROR by name", new TautlineError({ code: "INTERNAL_SERVER_ERROR", message: "secret" })],
  ])("tells the server nothing of what a handler threw unexpectedly: %s", async (_what, thrown) => {
    const setup = await start();
    setup.greet = () => {
      throw thrown;
    };
    expect(await setup.say([10, 1, "greet", {}, "Ada"])).toEqual([
      [
        21,
        1,
        {
          message: "Internal server error",
          code: -32603,
          data: { code: "INTERNAL_SERVER_ERROR", path: "greet" },
        },
      ],
    ]);
    expect(setup.reports).toHaveLength(1);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("in onError");
      },
    ],
    ["rejects", () => Promise.reject(new Error("in onError"))],
  ])("survives an onError that %s", async (_how, onError: () => unknown) => {
    const setup = await start({ onError: () => onError() as void });
    expect(await setup.say([10, 1, "nothing", {}], [10, 2, "greet", {}, "Ada"])).toMatchObject([
      [21, 1, {}],
      [20, 2, "hello Ada"],
    ]);
  });

  test("refuses more than it takes at a time", async () => {
    const setup = await start({ maxCalls: 1, maxSubscriptions: 0 });
    expect(await setup.say([10, 1, "wait", {}], [10, 2, "wait", {}], [12, 3, "count", {}])).toMatchObject([
      [21, 2, { data: { code: "TOO_MANY_REQUESTS" } }],
      [21, 3, { data: { code: "TOO_MANY_REQUESTS" } }],
    ]);
  });

  test("closes when the server uses an id twice, and aborts what runs", async () => {
    const setup = await start();
    await setup.say([10, 1, "wait", {}]);
    await setup.say([10, 1, "wait", {}]);
    expect(setup.closed).toBe(4400);
    expect(setup.signals.map(({ reason }) => (reason as TautlineError).code)).toEqual(["BAD_MESSAGE"]);
  });

  test("aborts what runs for a session that is lost, and starts nothing of it again", async () => {
    const setup = await start();
    await setup.say([10, 1, "wait", {}]);
    for (const connection of setup.network.connections) connection.cut();
    await setup.network.advance(500);
    await setup.say([1, { token: "u", windowMs: 1_000 }]);
    expect(setup.signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await setup.say([10, 1, "greet", {}, "again"])).toEqual([[20, 1, "hello again"]]);
  });
});

test("a client that exposes nothing takes a call for a bad message", async () => {
  const setup = new Setup({}, false);
  await setup.welcome();
  await setup.say([10, 1, "greet", {}]);
  expect(setup.closed).toBe(4400);
});
