import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, type RouterClient } from "@tautline/client";
import { createTRPCClient, createWSClient, type TRPCClient, wsLink } from "@trpc/client";
import { initTRPC, tracked } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { afterTest, cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, createTap, rejection } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

// What the README's table says of tRPC's wsLink and of Tautline, side by side. What Tautline does when the server does not come
// back is in reconnect.test.ts.

cleanUpAfterEach();

const itemCount = 3_000;
const itemLength = 10_000;

/** A router whose `query` and `mutation` answer when they are told to, and what it has seen. */
function createRouter() {
  const seen = { signals: new Map<string, AbortSignal[]>(), pulled: 0, answer: (): void => {} };
  const answered = new Promise<void>((resolve) => {
    seen.answer = resolve;
  });
  afterTest(() => seen.answer());
  const note = (path: string, signal: AbortSignal | undefined): void => {
    if (signal === undefined) throw new Error("a call has a signal");
    seen.signals.set(path, [...(seen.signals.get(path) ?? []), signal]);
  };
  const t = initTRPC.create();
  const waiting = t.procedure.use(async ({ path, signal, next }) => {
    note(path, signal);
    await answered;
    return next();
  });
  const router = t.router({
    ping: t.procedure.query(() => "pong"),
    query: waiting.query(() => "answer"),
    mutation: waiting.mutation(() => "done"),
    log: t.procedure.input(z.object({ lastEventId: z.string().optional() })).subscription(async function* (options) {
      const { lastEventId } = options.input;
      yield tracked(lastEventId === undefined ? "1" : "2", `after ${lastEventId ?? "nothing"}`);
      await answered;
    }),
    items: t.procedure.subscription(async function* () {
      for (; seen.pulled < itemCount; seen.pulled++) yield "x".repeat(itemLength);
    }),
  });
  return { router, seen };
}

type Router = ReturnType<typeof createRouter>["router"];
type Seen = ReturnType<typeof createRouter>["seen"];

interface Side<Client> {
  readonly client: Client;
  readonly seen: Seen;
}

async function openTrpc(): Promise<Side<TRPCClient<Router>> & { readonly cut: () => void }> {
  const { router, seen } = createRouter();
  const { url, sockets } = await startTrpc(router);
  const wsClient = createWSClient({ url, WebSocket: WebSocket as never, retryDelayMs: () => 1 });
  afterTest(() => wsClient.close());
  const client = createTRPCClient<Router>({ links: [wsLink({ client: wsClient })] });
  expect(await client.ping.query()).toBe("pong");
  return { client, seen, cut: () => sockets.clients.forEach((socket) => socket.terminate()) };
}

async function openTautline(): Promise<Side<RouterClient<Router>> & { readonly socket: WebSocket }> {
  const { router, seen } = createRouter();
  const { url } = await startServer({ router });
  const tap = createTap();
  const client = closing(createClient<Router>({ url, WebSocket: tap.WebSocket, backoff: { baseMs: 1 } }));
  expect(await client.ping.query()).toBe("pong");
  const [socket] = tap.sockets;
  if (socket === undefined) throw new Error("a client that was answered has a socket");
  return { client, seen, socket };
}

async function startTrpc(router: Router): Promise<{ url: string; sockets: WebSocketServer }> {
  const http: Server = createServer();
  const sockets = new WebSocketServer({ server: http });
  applyWSSHandler({ wss: sockets, router });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  afterTest(() => new Promise<void>((resolve) => http.close(() => resolve())));
  return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`, sockets };
}

function running(seen: Seen): boolean {
  return seen.signals.has("query") && seen.signals.has("mutation");
}

function fired(seen: Seen): boolean[] {
  return ["query", "mutation"].map((path) => seen.signals.get(path)?.[0]?.aborted === true);
}

describe("when the caller aborts a query and a mutation", () => {
  it("tRPC's server is not told", async () => {
    const { client, seen } = await openTrpc();
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [client.query.query(undefined, { signal }), client.mutation.mutate(undefined, { signal })];
    const errors = calls.map(rejection);
    await until("both run", () => running(seen));
    controller.abort();
    await Promise.all(errors);
    // What is sent after the abort has come: nothing about the abort is on its way any more.
    expect(await client.ping.query()).toBe("pong");
    expect(fired(seen)).toEqual([false, false]);
  });

  it("Tautline's handlers have their signals fire", async () => {
    const { client, seen } = await openTautline();
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [client.query.query(undefined, { signal }), client.mutation.mutate(undefined, { signal })];
    const errors = calls.map(rejection);
    await until("both run", () => running(seen));
    controller.abort();
    await Promise.all(errors);
    expect(await client.ping.query()).toBe("pong");
    expect(fired(seen)).toEqual([true, true]);
  });
});

describe("when the socket is lost while a query and a mutation run", () => {
  it("tRPC's client says Unknown error of both, and the server's handlers are not told", async () => {
    const { client, seen, cut } = await openTrpc();
    const errors = [client.query.query(), client.mutation.mutate()].map(rejection);
    await until("both run", () => running(seen));
    cut();
    for (const error of await Promise.all(errors)) expect(error).toMatchObject({ message: "Unknown error" });
    expect(await client.ping.query()).toBe("pong");
    expect(fired(seen)).toEqual([false, false]);
  });

  it("Tautline's go on, run once, and are answered once", async () => {
    const { client, seen, socket } = await openTautline();
    const answers = Promise.all([client.query.query(), client.mutation.mutate()]);
    await until("both run", () => running(seen));
    socket.terminate();
    await until("the client has noticed", () => client.connection.state.status === "reconnecting");
    seen.answer();
    expect(await answers).toEqual(["answer", "done"]);
    expect([...seen.signals.values()].map((signals) => signals.length)).toEqual([1, 1]);
    expect(fired(seen)).toEqual([false, false]);
  });
});

describe("when the socket is lost during a subscription", () => {
  it("tRPC's client starts it again, after the last tracked id", async () => {
    const { client, cut } = await openTrpc();
    const items: unknown[] = [];
    const subscription = client.log.subscribe({}, { onData: (item) => items.push(item) });
    afterTest(() => subscription.unsubscribe());
    await until("an item is here", () => items.length === 1);
    cut();
    await until("the next is here", () => items.length === 2);
    expect(items).toEqual([
      { id: "1", data: "after nothing" },
      { id: "2", data: "after 1" },
    ]);
  });

  it("Tautline's goes on, with nothing lost and nothing twice", async () => {
    const { client, seen, socket } = await openTautline();
    const lengths: number[] = [];
    let done = false;
    client.items.subscribe(undefined, {
      onData: ({ length }) => lengths.push(length),
      onComplete: () => {
        done = true;
      },
    });
    await until("items come", () => lengths.length > 10);
    socket.terminate();
    await until("all are here", () => done);
    expect(lengths).toHaveLength(itemCount);
    expect(seen.pulled).toBe(itemCount);
  });
});

describe("when a subscriber stops reading", () => {
  it("tRPC's server pulls all there is, and keeps what it cannot send", async () => {
    const { router, seen } = createRouter();
    const { url, sockets } = await startTrpc(router);
    const socket = new WebSocket(url);
    afterTest(() => socket.terminate());
    await until("the socket is open", () => socket.readyState === WebSocket.OPEN);
    socket.pause();
    socket.send(JSON.stringify({ id: 1, method: "subscription", params: { path: "items" } }));
    await until("all items are pulled", () => seen.pulled === itemCount);
    const waiting = [...sockets.clients].reduce((bytes, { bufferedAmount }) => bytes + bufferedAmount, 0);
    expect(waiting).toBeGreaterThan((itemCount * itemLength) / 2);
  });

  it("Tautline's server pauses the generator, and goes on when they read again", async () => {
    const { client, seen, socket } = await openTautline();
    socket.pause();
    let received = 0;
    client.items.subscribe(undefined, { onData: () => received++ });
    await until("items are pulled", () => seen.pulled > 0);
    await untilPaused(seen);
    // What the kernel takes on both sides comes on top of what may wait in the process.
    expect(seen.pulled).toBeLessThan(itemCount / 2);
    expect(received).toBe(0);
    socket.resume();
    await until("all items are here", () => received === itemCount);
  });
});

/** Resolves when nothing was pulled in many turns: one that is not paused pulls in each. */
async function untilPaused(seen: Seen): Promise<void> {
  for (let quiet = 0, last = seen.pulled; quiet < 300; quiet++) {
    await turn();
    if (seen.pulled !== last) quiet = 0;
    last = seen.pulled;
  }
}
