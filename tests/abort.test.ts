import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createClient, type RouterClient } from "@tautline/client";
import { TautlineError } from "@tautline/core";
import type { TautlineServer } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { afterTest, cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, collect, createTap, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { openGreeted } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { holdTime } from "./fixture/time.ts";
import { createWaitingRouter, type Waiting, type WaitingRouter } from "./fixture/waiting-router.ts";

cleanUpAfterEach();

type Client = RouterClient<WaitingRouter>;

interface Calls {
  readonly server: TautlineServer;
  readonly client: Client;
  readonly waiting: Waiting;
  /** Cuts the client's latest socket. */
  readonly cut: () => void;
}

interface OpenOptions {
  readonly sessionWindowMs?: number;
  /** Whether the client finds its server again after a cut. Default true. */
  readonly comesBack?: boolean;
}

async function open({ comesBack = true, ...options }: OpenOptions = {}): Promise<Calls> {
  const { router, waiting } = createWaitingRouter();
  const server = await startServer({ router, onError: () => {}, ...options });
  const tap = createTap();
  const url = (): string | Promise<string> =>
    comesBack || tap.sockets.length === 0 ? server.url : new Promise<string>(() => {});
  const client = closing(
    createClient<WaitingRouter>({ url, WebSocket: tap.WebSocket, backoff: { baseMs: 1, maxMs: 4 } }),
  );
  return { server, client, waiting, cut: () => tap.sockets.at(-1)?.terminate() };
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Makes a call that waits; the promise is what its caller is told. */
type Start = (client: Client, options?: CallOptions) => Promise<unknown>;

const kinds: readonly [path: string, start: Start][] = [
  ["query", (client, options) => client.query.query(undefined, options)],
  ["mutation", (client, options) => client.mutation.mutate(undefined, options)],
  ["generator", (client, options) => subscribed(client.generator, options)],
  ["observable", (client, options) => subscribed(client.observable, options)],
];

/** Rejects with what a subscription ends with. */
function subscribed(procedure: Client["generator" | "observable"], options?: CallOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    procedure.subscribe(undefined, { ...options, onError: reject, onStopped: () => resolve("stopped") });
  });
}

async function signalOf(waiting: Waiting, path: string): Promise<AbortSignal> {
  await until(`${path} runs`, () => waiting.signals.has(path));
  const [signal] = waiting.signals.get(path) ?? [];
  if (signal === undefined) throw new Error("a handler that runs has noted its signal");
  return signal;
}

async function expectAborted(signal: AbortSignal, code: string): Promise<void> {
  await until("the signal has fired", () => signal.aborted);
  expect(signal.reason).toBeInstanceOf(TautlineError);
  expect(signal.reason).toMatchObject({ code });
}

async function expectTornDown({ tornDown }: Waiting, path: string): Promise<void> {
  const expected = path === "generator" || path === "observable" ? [path] : [];
  await until(`${path} is torn down`, () => tornDown.length >= expected.length);
  expect(tornDown).toEqual(expected);
}

describe.each(kinds)("a running %s", (path, start) => {
  it("has its signal fire when its caller aborts it", async () => {
    const { client, waiting } = await open();
    const controller = new AbortController();
    const call = start(client, { signal: controller.signal });
    const signal = await signalOf(waiting, path);
    expect(signal.aborted).toBe(false);

    controller.abort("no longer wanted");
    await expect(call).rejects.toMatchObject({ code: "CLIENT_CLOSED_REQUEST", cause: "no longer wanted" });
    await expectAborted(signal, "CLIENT_CLOSED_REQUEST");
    await expectTornDown(waiting, path);
    expect(client.connection.state.status).toBe("online");
  });

  it("has its signal fire when its client is closed", async () => {
    const { client, waiting } = await open();
    const call = start(client);
    const signal = await signalOf(waiting, path);

    client.connection.close();
    await expect(call).rejects.toMatchObject({ code: path === "mutation" ? "OUTCOME_UNKNOWN" : "CONNECTION_CLOSED" });
    await expectAborted(signal, "CONNECTION_CLOSED");
    await expectTornDown(waiting, path);
  });

  it("runs on when its socket is cut, and is the same call after the resume", async () => {
    const { server, client, waiting, cut } = await open();
    const controller = new AbortController();
    const call = start(client, { signal: controller.signal });
    const signal = await signalOf(waiting, path);

    for (let round = 0; round < 2; round++) {
      cut();
      await until("the server has noticed", () => server.parkedSessions === 1);
      expect(signal.aborted).toBe(false);
      await until("it is resumed", () => server.parkedSessions === 0 && client.connection.state.status === "online");
      await client.doneQuery.query();
      expect(signal.aborted).toBe(false);
    }
    expect(waiting.signals.get(path)).toHaveLength(1);

    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await expectAborted(signal, "CLIENT_CLOSED_REQUEST");
    await expectTornDown(waiting, path);
  });

  it("has its signal fire when its socket is cut and sessions are not kept", async () => {
    const { client, waiting, cut } = await open({ sessionWindowMs: 0 });
    const told = rejection(start(client));
    const signal = await signalOf(waiting, path);

    cut();
    await expectAborted(signal, "SESSION_LOST");
    await expectTornDown(waiting, path);
    client.connection.close();
    expect(await told).toBeInstanceOf(TautlineError);
  });

  it("has its signal fire when its client does not come back within the window, and not before", async () => {
    const time = holdTime();
    const { server, client, waiting, cut } = await open({ sessionWindowMs: 1_000, comesBack: false });
    const told = rejection(start(client));
    const signal = await signalOf(waiting, path);

    cut();
    await until("the server has noticed", () => server.parkedSessions === 1);
    await time.pass(999);
    expect(signal.aborted).toBe(false);
    await time.pass(1);
    await expectAborted(signal, "SESSION_LOST");
    await expectTornDown(waiting, path);
    client.connection.close();
    expect(await told).toBeInstanceOf(TautlineError);
  });

  it("has its signal fire when its server closes before it is done", async () => {
    const { server, client, waiting } = await open();
    const told = rejection(start(client));
    const signal = await signalOf(waiting, path);

    const closed = server.close({ drainMs: 0 });
    await expectAborted(signal, "SESSION_LOST");
    await expectTornDown(waiting, path);
    await closed;
    client.connection.close();
    expect(await told).toBeInstanceOf(TautlineError);
  });
});

describe("timeoutMs", () => {
  const timed: typeof kinds = [
    ...kinds.slice(0, 2),
    [
      "slowStart",
      (client, options) =>
        new Promise((_resolve, reject) => client.slowStart.subscribe(undefined, { ...options, onError: reject })),
    ],
  ];

  it.each(timed)("fires the signal of a %s that takes longer, and not before", async (path, start) => {
    const time = holdTime();
    const { client, waiting } = await open();
    const call = start(client, { timeoutMs: 1_000 });
    const signal = await signalOf(waiting, path);
    const told = rejection(call);

    await time.pass(999);
    await client.doneQuery.query();
    expect(signal.aborted).toBe(false);

    await time.pass(1);
    expect(await told).toMatchObject({ code: "TIMEOUT" });
    await expectAborted(signal, "TIMEOUT");
    expect(client.connection.state.status).toBe("online");
  });

  it("leaves a subscription alone that has started", async () => {
    const time = holdTime();
    const { client, waiting } = await open();
    const items = client.generator.subscribe(undefined, { timeoutMs: 1_000 });
    expect(await items.next()).toEqual({ done: false, value: 1 });
    const signal = await signalOf(waiting, "generator");

    await time.pass(10_000);
    await client.doneQuery.query();
    expect(signal.aborted).toBe(false);
  });

  it("ends a call that could not be sent", async () => {
    const time = holdTime();
    const client = closing(createClient<WaitingRouter>({ url: () => new Promise<string>(() => {}) }));
    const told = rejection(client.query.query(undefined, { timeoutMs: 50 }));
    await time.pass(50);
    expect(await told).toMatchObject({ code: "TIMEOUT" });
  });
});

describe("a call that is done", () => {
  const done: readonly [path: string, call: (client: Client, signal: AbortSignal) => Promise<unknown>][] = [
    ["doneQuery", (client, signal) => client.doneQuery.query(undefined, { signal })],
    ["doneMutation", (client, signal) => client.doneMutation.mutate(undefined, { signal })],
    ["failedQuery", (client, signal) => client.failedQuery.query(undefined, { signal }).catch(() => {})],
    ["doneGenerator", (client, signal) => collect(client.doneGenerator.subscribe(undefined, { signal }))],
    [
      "failedGenerator",
      (client, signal) => collect(client.failedGenerator.subscribe(undefined, { signal })).catch(() => {}),
    ],
    ["doneObservable", (client, signal) => collect(client.doneObservable.subscribe(undefined, { signal }))],
  ];

  it.each(done)("does not have its signal fire any more: %s", async (path, call) => {
    const { server, client, waiting } = await open();
    const controller = new AbortController();
    await call(client, controller.signal);
    const signal = await signalOf(waiting, path);

    controller.abort();
    await client.doneMutation.mutate();
    client.connection.close();
    await until("the connection is gone", () => server.connections === 0);
    await turn();
    expect(signal.aborted).toBe(false);
  });
});

describe("a subscription", () => {
  it("is ended on the server by unsubscribe", async () => {
    const { client, waiting } = await open();
    const subscription = client.generator.subscribe(undefined, { onData: () => {} });
    const signal = await signalOf(waiting, "generator");
    subscription.unsubscribe();
    await expectAborted(signal, "CLIENT_CLOSED_REQUEST");
    await expectTornDown(waiting, "generator");
  });

  it("is ended on the server by leaving its loop", async () => {
    const { client, waiting } = await open();
    for await (const item of client.observable.subscribe()) {
      expect(item).toBe(1);
      break;
    }
    await expectAborted(await signalOf(waiting, "observable"), "CLIENT_CLOSED_REQUEST");
    await expectTornDown(waiting, "observable");
  });

  it("whose generator ignores its signal is ended when it moves on, and sends nothing more", async () => {
    const t = initTRPC.create();
    const gate = createGate();
    let reached = 0;
    let tornDown = false;
    const router = t.router({
      deaf: t.procedure.subscription(async function* () {
        try {
          yield 1;
          reached = 1;
          await gate.opened;
          yield 2;
          reached = 2;
        } finally {
          tornDown = true;
        }
      }),
    });
    const server = await startServer({ router });
    const client = closing(createClient<typeof router>({ url: server.url }));
    const items: number[] = [];
    const subscription = client.deaf.subscribe(undefined, { onData: (item) => items.push(item) });
    await until("the generator waits", () => reached === 1);
    await until("the item is here", () => items.length === 1);

    subscription.unsubscribe();
    client.connection.close();
    await until("the connection is gone", () => server.connections === 0);
    expect(tornDown).toBe(false);
    gate.open();
    await until("the generator is torn down", () => tornDown);
    expect({ reached, items }).toEqual({ reached: 1, items: [1] });
  });
});

describe("a signal that has fired already", () => {
  it.each(kinds)("keeps a %s from being sent", async (path, start) => {
    const { client, waiting } = await open();
    await expect(start(client, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "CLIENT_CLOSED_REQUEST",
    });
    await client.doneQuery.query();
    expect(waiting.signals.has(path)).toBe(false);
  });
});

describe("a client that says goodbye", () => {
  it.each([1000, 1001])("with %d ends its session at once: it will not come back", async (code) => {
    const { router, waiting } = createWaitingRouter();
    const server = await startServer({ router, onError: () => {} });
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "mutation", {}]);
    const signal = await signalOf(waiting, "mutation");
    raw.socket.close(code);
    await expectAborted(signal, "CONNECTION_CLOSED");
    expect(server.parkedSessions).toBe(0);
  });
});

/** Starting a process takes a second or two. */
const processTimeoutMs = 30_000;

describe("a closed tab", () => {
  it("has the signals of all its calls fire, when its session is lost", { timeout: processTimeoutMs }, async () => {
    const { router, waiting } = createWaitingRouter();
    const server = await startServer({ router, onError: () => {}, maxParkedSessions: 0 });
    const tab = fileURLToPath(new URL("fixture/tab.ts", import.meta.url));
    const args = ["--import", "tsx", "--conditions=@tautline/source", tab, server.url];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    afterTest(() => void child.kill("SIGKILL"));
    const ended = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));

    const running = new Promise<void>((resolve) => {
      const check = (): void => void (waiting.signals.size === 3 ? resolve() : setImmediate(check));
      check();
    });
    await Promise.race([running, ended]);
    const signals = await Promise.all(["query", "mutation", "generator"].map((path) => signalOf(waiting, path)));
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false, false]);

    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    for (const signal of signals) await expectAborted(signal, "SESSION_LOST");
    await expectTornDown(waiting, "generator");
    expect([server.connections, server.parkedSessions]).toEqual([0, 0]);
  });
});
