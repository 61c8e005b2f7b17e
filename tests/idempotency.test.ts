import { createClient } from "@tautline/client";
import { contract, mutation, TautlineError } from "@tautline/core";
import { type IdempotencyStore, implement, memoryIdempotencyStore, serve } from "@tautline/server";
import { initTRPC, TRPCError } from "@trpc/server";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, createTap, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";

cleanUpAfterEach();

/** Has forgotten what came of a mutation, as one whose time is over. */
class ShortMemory implements IdempotencyStore {
  readonly name = "short";
  readonly keepMs: number;

  constructor(keepMs: number) {
    this.keepMs = keepMs;
  }

  claim(_key: string, again: string = this.name): Promise<undefined> {
    if (again === this.name) return Promise.resolve(undefined);
    return Promise.reject(new TautlineError({ code: "OUTCOME_UNKNOWN", message: "nobody knows" }));
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }
}

/** A server that loses a session with its connection, and a mutation that waits to be let go. */
async function start(options: { store: boolean | IdempotencyStore; awayMs?: number; identify?: () => string }) {
  const starts: number[] = [];
  const aborted: unknown[] = [];
  const gate = createGate();
  const t = initTRPC.create();
  const router = t.router({
    pay: t.procedure.input(z.number()).mutation(async ({ input, signal }) => {
      starts.push(input);
      signal?.addEventListener("abort", () => aborted.push(signal.reason));
      await gate.opened;
      if (input < 0) throw new TRPCError({ code: "CONFLICT", message: "no debts" });
      return { paid: input };
    }),
    echo: t.procedure.query(() => "here"),
  });
  const idempotency = options.store === true ? memoryIdempotencyStore() : options.store;
  const store = idempotency === false ? {} : { idempotency };
  const { identify = () => undefined } = options;
  const server = await serve({ router, host: "127.0.0.1", sessionWindowMs: 0, onError: () => {}, identify, ...store });
  afterTest(() => server.close({ drainMs: 0 }));
  const { WebSocket, sockets } = createTap();
  const client = closing(createClient<typeof router>({ url: server.url, WebSocket, backoff: { baseMs: 1 } }));
  client.connection.subscribe(({ status }) => {
    if (status === "reconnecting" && options.awayMs !== undefined) vi.setSystemTime(Date.now() + options.awayMs);
  });
  const cut = async (): Promise<void> => {
    // The store's name comes with the welcome: without it nobody knows where to ask.
    await until("the client is online", () => client.connection.state.status === "online");
    sockets.at(-1)?.terminate();
    await until("the client is online again", () => sockets.length > 1 && client.connection.state.status === "online");
  };
  return { client, starts, aborted, gate, cut };
}

/** The time of day passes only where a client is away. */
function holdDate(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  afterTest(() => void vi.useRealTimers());
}

describe("with an idempotency store, a mutation whose session is lost", () => {
  test("is sent again, run once, and answered with what it came to", async () => {
    const { client, starts, aborted, gate, cut } = await start({ store: true });
    const paid = client.pay.mutate(5);
    await until("it runs", () => starts.length === 1);
    await cut();
    gate.open();
    expect(await paid).toEqual({ paid: 5 });
    expect(starts).toEqual([5]);
    expect(aborted).toEqual([]);
  });

  test("is answered with what it came to for as long as that is kept, however long ago it was sent", async () => {
    holdDate();
    const { client, starts, gate, cut } = await start({
      store: memoryIdempotencyStore({ keepMs: 10_000 }),
      awayMs: 3_600_000,
    });
    const paid = client.pay.mutate(5);
    await until("it runs", () => starts.length === 1);
    await cut();
    gate.open();
    expect(await paid).toEqual({ paid: 5 });
    expect(starts).toEqual([5]);
  });

  test("is not run again where it may have been forgotten", async () => {
    holdDate();
    const { client, starts, cut } = await start({ store: new ShortMemory(10_000), awayMs: 5_001 });
    const unknown = rejection(client.pay.mutate(5));
    await until("it runs", () => starts.length === 1);
    await cut();
    expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(starts).toEqual([5]);
  });

  test("is not run again for whoever the client has become meanwhile", async () => {
    let user = "ann";
    const { client, starts, cut } = await start({ store: true, identify: () => user });
    const unknown = rejection(client.pay.mutate(5));
    await until("it runs", () => starts.length === 1);
    user = "bob";
    await cut();
    expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(starts).toEqual([5]);
  });

  test("is answered with its error just as well", async () => {
    const { client, starts, gate, cut } = await start({ store: true });
    const refused = rejection(client.pay.mutate(-5));
    await until("it runs", () => starts.length === 1);
    await cut();
    gate.open();
    expect(await refused).toMatchObject({ code: "CONFLICT", message: "no debts" });
    expect(starts).toEqual([-5]);
  });

  test("is one among others: each has a key of its own", async () => {
    const { client, starts, gate, cut } = await start({ store: true });
    const paid = Promise.all([client.pay.mutate(1), client.pay.mutate(2), client.pay.mutate(3)]);
    await until("they run", () => starts.length === 3);
    await cut();
    const late = client.pay.mutate(4);
    gate.open();
    expect(await paid).toEqual([{ paid: 1 }, { paid: 2 }, { paid: 3 }]);
    expect(await late).toEqual({ paid: 4 });
    expect(starts).toEqual([1, 2, 3, 4]);
  });

  test("is aborted all the same where its caller cancels it", async () => {
    const { client, starts, aborted, gate } = await start({ store: true });
    const controller = new AbortController();
    const cancelled = rejection(client.pay.mutate(5, { signal: controller.signal }));
    await until("it runs", () => starts.length === 1);
    controller.abort();
    expect(await cancelled).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await until("its signal fires", () => aborted.length === 1);
    gate.open();
  });
});

describe("a store that may lose what it knew", () => {
  /** Remembers nothing, and says so. */
  class ForgetfulStore implements IdempotencyStore {
    name: string | undefined = "first";
    readonly claims: (string | undefined)[] = [];

    claim(_key: string, again?: string): Promise<undefined> {
      this.claims.push(again);
      if (again === undefined) return Promise.resolve(undefined);
      return Promise.reject(new TautlineError({ code: "OUTCOME_UNKNOWN", message: "nobody knows" }));
    }

    settle(): Promise<void> {
      return Promise.resolve();
    }
  }

  test("is told by which name the client knows it, and its answer is the client's", async () => {
    const store = new ForgetfulStore();
    const { client, starts, gate, cut } = await start({ store });
    const unknown = rejection(client.pay.mutate(5));
    await until("it runs", () => starts.length === 1);
    await cut();
    expect(await unknown).toMatchObject({
      code: "OUTCOME_UNKNOWN",
      message: "nobody knows",
      data: { code: "OUTCOME_UNKNOWN", path: "pay" },
    });
    expect(store.claims).toEqual([undefined, "first"]);
    expect(starts).toEqual([5]);
    gate.open();
  });

  test("is not asked by that name about what was sent while it had another, or none", async () => {
    for (const name of ["second", undefined]) {
      const store = new ForgetfulStore();
      const { client, starts, gate, cut } = await start({ store });
      const unknown = rejection(client.pay.mutate(5));
      await until("it runs", () => starts.length === 1);
      store.name = name;
      await cut();
      expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(store.claims).toEqual([undefined, "none"]);
      gate.open();
    }
  });
});

describe("without a store", () => {
  test("a mutation whose session is lost is OUTCOME_UNKNOWN, and not sent again", async () => {
    const { client, starts, gate, cut } = await start({ store: false });
    const unknown = rejection(client.pay.mutate(5));
    await until("it runs", () => starts.length === 1);
    await cut();
    gate.open();
    expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(starts).toEqual([5]);
  });

  test("one that its caller calls idempotent is sent again", async () => {
    const { client, starts, gate, cut } = await start({ store: false });
    const paid = client.pay.mutate(5, { idempotent: true });
    await until("it runs", () => starts.length === 1);
    await cut();
    gate.open();
    expect(await paid).toEqual({ paid: 5 });
    expect(starts).toEqual([5, 5]);
  });

  test("so is one that its contract calls idempotent", async () => {
    const api = contract({ put: mutation({ input: z.number(), output: z.number(), idempotent: true }) });
    const starts: number[] = [];
    const gate = createGate();
    const { procedures, router } = implement(api, initTRPC.create());
    const put = procedures.put.mutation(async ({ input }) => {
      starts.push(input);
      await gate.opened;
      return input;
    });
    const server = await serve({ router: router({ put }), host: "127.0.0.1", sessionWindowMs: 0 });
    afterTest(() => server.close({ drainMs: 0 }));
    const { WebSocket, sockets } = createTap();
    const client = closing(createClient({ contract: api, url: server.url, WebSocket, backoff: { baseMs: 1 } }));
    const done = client.put.mutate(7);
    await until("it runs", () => starts.length === 1);
    sockets.at(-1)?.terminate();
    await until("it runs again", () => starts.length === 2);
    gate.open();
    expect(await done).toBe(7);
  });
});
