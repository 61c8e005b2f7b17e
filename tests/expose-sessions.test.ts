import { getEventListeners } from "node:events";
import { type ConnectionOptions, createClient, type RouterClient } from "@tautline/client";
import { type ExposedHandlers, expose } from "@tautline/client/expose";
import { rich, TautlineError } from "@tautline/core";
import { MemoryNetwork } from "@tautline/core/testing";
import type { ServeOptions } from "@tautline/server";
import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
import { afterEach, describe, expect, test } from "vitest";
import {
  type CallingContext,
  type CallingRouter,
  type ClientCalls,
  callingRouter,
  clientApi,
} from "./fixture/client-api.ts";

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A server, and a client that exposes procedures which wait to be let go, on a network in memory. */
class Setup {
  readonly network = new MemoryNetwork({ settle: () => new Promise((resolve) => setImmediate(resolve)) });
  readonly server: MemoryServer;
  readonly client: RouterClient<CallingRouter>;
  readonly contexts: CallingContext[] = [];
  /** The questions that have come. */
  readonly asked: string[] = [];
  readonly added: string[] = [];
  readonly signals: AbortSignal[] = [];
  /** What came of the calls that `note` was given. */
  readonly outcomes: unknown[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor({
    client,
    ...serve
  }: Partial<ServeOptions<CallingRouter>> & { client?: Partial<ConnectionOptions> } = {}) {
    this.server = createMemoryServer<CallingRouter>({
      router: callingRouter,
      onError: () => {},
      ...serve,
      network: this.network,
      createContext: ({ client: factory }) => {
        const context = { client: factory(clientApi) };
        this.contexts.push(context);
        return context;
      },
    });
    this.client = this.connect(client);
    ends.push(() => this.#end());
  }

  connect(options: Partial<ConnectionOptions> = {}): RouterClient<CallingRouter> {
    const client = createClient<CallingRouter>({
      url: this.server.url,
      transformer: rich,
      backoff: { baseMs: 10, maxMs: 10 },
      expose: expose(clientApi, this.#handlers()),
      ...this.network.clientOptions,
      ...options,
    });
    client.connection.connect();
    return client;
  }

  /** What the server calls the first client with. */
  async calls(): Promise<ClientCalls> {
    await this.network.advance(20);
    const [context] = this.contexts;
    if (context === undefined) throw new Error("there is no context");
    return context.client;
  }

  note(name: string, call: Promise<unknown>): void {
    call.then(
      (value) => this.outcomes.push([name, value]),
      (error: unknown) => this.outcomes.push([name, TautlineError.from(error).code]),
    );
  }

  /** Cuts every connection, and keeps new ones out. */
  async cut(): Promise<void> {
    this.network.reachable = false;
    for (const connection of this.network.connections) connection.cut();
    await this.network.settled();
  }

  async mend(): Promise<void> {
    this.network.reachable = true;
    await this.network.advance(50);
  }

  /** The client's handlers that wait answer. */
  async answer(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve();
    await this.network.advance(10);
  }

  #handlers(): ExposedHandlers<typeof clientApi> {
    const waited = (signal: AbortSignal): Promise<void> => {
      this.signals.push(signal);
      return new Promise((resolve) => this.#waiting.push(resolve));
    };
    return {
      confirm: async ({ input, signal }) => {
        this.asked.push(input.question);
        await waited(signal);
        return true;
      },
      notes: {
        add: async ({ input, signal }) => {
          this.added.push(input);
          await waited(signal);
          return { at: new Date(0), text: input };
        },
        forget: () => {},
      },
      length: ({ input }) => input,
      clicks: async function* ({ input, signal }) {
        for (let x = 0; x < input.count; x++) {
          await waited(signal);
          yield { x };
        }
      },
      log: async function* () {},
    };
  }

  async #end(): Promise<void> {
    this.client.connection.close();
    const closing = this.server.close({ drainMs: 0 });
    await this.network.advance(100);
    await closing;
    expect(this.server.connections + this.server.parkedSessions).toBe(0);
    expect(this.network.clock.timers).toBe(0);
  }
}

describe("a server's call, when the connection breaks", () => {
  test("goes on, is started once and answered once, when the session is resumed", async () => {
    const setup = new Setup();
    const calls = await setup.calls();
    setup.note("add", calls.notes.add.mutate("a"));
    const items: unknown[] = [];
    calls.clicks.subscribe({ count: 2 }, { onData: (item) => items.push(item) });
    await setup.network.advance(5);
    await setup.cut();
    await setup.answer();
    await setup.mend();
    await setup.answer();
    expect(setup.outcomes).toEqual([["add", { at: new Date(0), text: "a" }]]);
    expect(setup.added).toEqual(["a"]);
    expect(items).toEqual([{ x: 0 }, { x: 1 }]);
  });

  test("waits while the client is away, and goes through in its place when it is back", async () => {
    const setup = new Setup();
    const calls = await setup.calls();
    await setup.cut();
    expect(setup.server.parkedSessions).toBe(1);
    for (const question of ["first", "second"]) setup.note(question, calls.confirm.query({ question }));
    await setup.network.advance(1_000);
    expect(setup.asked).toEqual([]);
    expect(setup.server.parkedLength).toBeGreaterThan(0);
    await setup.mend();
    expect(setup.asked).toEqual(["first", "second"]);
    await setup.answer();
    expect(setup.outcomes).toEqual([
      ["first", true],
      ["second", true],
    ]);
    expect(setup.server.parkedLength).toBe(0);
    expect(setup.contexts).toHaveLength(2);
    for (const { client } of setup.contexts) setup.note("either context", client.length.query("four"));
    await setup.network.advance(10);
    expect(setup.outcomes.slice(2)).toEqual([
      ["either context", 4],
      ["either context", 4],
    ]);
  });

  test("keeps its time while the client is away, and the client never starts it", async () => {
    const setup = new Setup();
    const calls = await setup.calls();
    await setup.cut();
    setup.note("late", calls.confirm.query({ question: "late" }, { timeoutMs: 100 }));
    await setup.network.advance(100);
    expect(setup.outcomes).toEqual([["late", "TIMEOUT"]]);
    await setup.mend();
    expect(setup.asked).toEqual([]);
  });

  test("rejects when the session is lost: SESSION_LOST, and OUTCOME_UNKNOWN for a mutation; the client is told", async () => {
    const setup = new Setup({ sessionWindowMs: 1_000 });
    const calls = await setup.calls();
    setup.note("confirm", calls.confirm.query({ question: "q" }));
    setup.note("add", calls.notes.add.mutate("a"));
    setup.note(
      "loop",
      (async () => {
        for await (const _ of calls.clicks.subscribe({ count: 1 }));
      })(),
    );
    await setup.network.advance(10);
    await setup.cut();
    await setup.network.advance(1_000);
    expect(setup.outcomes).toEqual([
      ["confirm", "SESSION_LOST"],
      ["add", "OUTCOME_UNKNOWN"],
      ["loop", "SESSION_LOST"],
    ]);
    setup.note("later", calls.notes.add.mutate("b"));
    await setup.mend();
    expect(setup.outcomes.at(-1)).toEqual(["later", "SESSION_LOST"]);
    expect(setup.signals.map(({ reason }) => (reason as TautlineError).code)).toEqual([
      "SESSION_LOST",
      "SESSION_LOST",
      "SESSION_LOST",
    ]);
    expect(setup.added).toEqual(["a"]);
  });

  test("rejects with CONNECTION_CLOSED when the client says goodbye, and its handlers stop", async () => {
    const setup = new Setup();
    const calls = await setup.calls();
    setup.note("confirm", calls.confirm.query({ question: "q" }));
    await setup.network.advance(10);
    setup.client.connection.close();
    await setup.network.advance(10);
    setup.note("later", calls.confirm.query({ question: "r" }));
    await setup.network.advance(10);
    expect(setup.outcomes).toEqual([
      ["confirm", "CONNECTION_CLOSED"],
      ["later", "CONNECTION_CLOSED"],
    ]);
    expect(setup.signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test("is refused while too much waits for a client that is away, whose session is not lost by it", async () => {
    const setup = new Setup({ replayBytes: 10_000 });
    const calls = await setup.calls();
    await setup.cut();
    for (let n = 1; n <= 9; n++) setup.note(`${n}`, calls.confirm.query({ question: `${n}`.repeat(1_000) }));
    await setup.network.advance(10);
    expect(setup.outcomes).toEqual(["6", "7", "8", "9"].map((name) => [name, "TOO_MANY_REQUESTS"]));
    await setup.mend();
    await setup.answer();
    expect(setup.outcomes.slice(4)).toEqual(["1", "2", "3", "4", "5"].map((name) => [name, true]));
  });

  test("rejects where keeping it was too much for all parked sessions together, and leaves no listener", async () => {
    const setup = new Setup({ maxParkedBytes: 100 });
    const calls = await setup.calls();
    await setup.cut();
    const { signal } = new AbortController();
    setup.note("big", calls.confirm.query({ question: "x".repeat(100) }, { signal, timeoutMs: 10_000 }));
    await setup.network.settled();
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(setup.outcomes).toEqual([["big", "SESSION_LOST"]]);
    expect(setup.server.parkedSessions).toBe(0);
    await setup.mend();
  });

  test("is heard by the connection that has taken the session over", async () => {
    const setup = new Setup();
    const calls = await setup.calls();
    setup.note("before", calls.confirm.query({ question: "before" }));
    await setup.network.advance(5);
    setup.client.connection.reconnect();
    setup.note("meanwhile", calls.confirm.query({ question: "meanwhile" }));
    await setup.network.advance(20);
    setup.note("after", calls.confirm.query({ question: "after" }));
    await setup.network.advance(20);
    await setup.answer();
    expect(setup.outcomes).toEqual(["before", "meanwhile", "after"].map((name) => [name, true]));
    expect(setup.asked).toEqual(["before", "meanwhile", "after"]);
  });
});

describe("a server's call to a client", () => {
  test("that is not answered in time, by the server's clock, is TIMEOUT, and the client's handler is told", async () => {
    const setup = new Setup();
    const calls = await setup.calls();
    setup.note("slow", calls.confirm.query({ question: "slow" }, { timeoutMs: 1_000 }));
    await setup.network.advance(999);
    expect(setup.outcomes).toEqual([]);
    await setup.network.advance(5);
    expect(setup.outcomes).toEqual([["slow", "TIMEOUT"]]);
    expect(setup.signals.map(({ reason }) => (reason as TautlineError).code)).toEqual(["TIMEOUT"]);
  });

  test("keeps a client from closing an idle connection", async () => {
    const setup = new Setup({ client: { idleCloseMs: 100 } });
    await setup.network.advance(10);
    setup.note("ping", setup.client.ping.query());
    const calls = await setup.calls();
    setup.note("long", calls.confirm.query({ question: "long" }));
    await setup.network.advance(1_000);
    expect(setup.client.connection.state.status).toBe("online");
    await setup.answer();
    expect(setup.outcomes).toEqual([
      ["ping", "pong"],
      ["long", true],
    ]);
    await setup.network.advance(200);
    expect(setup.client.connection.state.status).toBe("idle");
  });

  test("goes on while the server drains, for a handler that waits for it; all others reject at the end", async () => {
    const setup = new Setup();
    const calls = await setup.calls();
    setup.note("handler", setup.client.ask.query("in a handler"));
    setup.note("outside", calls.clicks.subscribe({ count: 1 }).next());
    await setup.network.advance(10);
    const closed = setup.server.close({ drainMs: 1_000 });
    await setup.network.advance(10);
    setup.note("while it drains", calls.length.query("four"));
    await setup.network.advance(10);
    expect(setup.outcomes).toEqual([["while it drains", 4]]);
    await setup.answer();
    await setup.network.advance(10);
    await closed;
    expect(setup.outcomes.slice(1)).toContainEqual(["handler", "yes"]);
    expect(setup.outcomes).toHaveLength(3);
  });
});
