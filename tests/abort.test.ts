import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createClient } from "@tautline/client";
import { tautlineLink } from "@tautline/client/link";
import { TautlineError } from "@tautline/core";
import { createTRPCClient } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { afterTest, cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { openGreeted } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { holdTime } from "./fixture/time.ts";
import { type Client, expectAborted, expectTornDown, kinds, open, signalOf } from "./fixture/waiting-calls.ts";
import { createWaitingRouter, type WaitingRouter } from "./fixture/waiting-router.ts";

cleanUpAfterEach();

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

  it("over tautlineLink that is aborted is complete, as over tRPC's own links, and ends on the server", async () => {
    const { server, waiting } = await open();
    const link = closing(tautlineLink<WaitingRouter>({ url: server.url }));
    const controller = new AbortController();
    const told = new Promise((resolve) => {
      createTRPCClient<WaitingRouter>({ links: [link] }).generator.subscribe(undefined, {
        signal: controller.signal,
        onError: resolve,
        onComplete: () => resolve("complete"),
      });
    });
    const signal = await signalOf(waiting, "generator");
    controller.abort();
    expect(await told).toBe("complete");
    await expectAborted(signal, "CLIENT_CLOSED_REQUEST");
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
