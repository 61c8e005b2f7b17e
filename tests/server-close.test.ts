import { createClient } from "@tautline/client";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, createTap, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { askToUpgrade } from "./fixture/handshake.ts";
import { createRouter, type Router } from "./fixture/ping-router.ts";
import { openGreeted, openRaw } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { holdTime } from "./fixture/time.ts";

cleanUpAfterEach();

const t = initTRPC.create();

describe("close()", () => {
  it("says goaway, lets a mutation finish, declines new calls meanwhile, then closes with 1001", async () => {
    const gate = createGate<string>();
    const server = await startServer({ router: createRouter(gate) });
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "slow", {}], [10, 2, "ping", {}]);
    await raw.message(20, 2);

    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    expect(await raw.message(6)).toEqual([6, 2_500]);
    raw.send([10, 3, "ping", {}], [11, 4, "slow", {}], [12, 5, "ticks", {}]);
    for (const id of [3, 4, 5]) expect(await raw.message(27, id)).toEqual([27, id]);
    expect(closed).toBe(false);

    gate.open("done");
    expect(await raw.message(20, 1)).toEqual([20, 1, "done"]);
    expect((await raw.closed).code).toBe(1001);
    await closing;
    expect(raw.messages().filter((message) => [20, 21].includes((message as [number])[0]))).toHaveLength(2);
    await expect(askToUpgrade(server.url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("answers through the client what was running, and what comes after waits for another server", async () => {
    const gate = createGate<string>();
    const server = await startServer({ router: createRouter(gate) });
    const other = await startServer({ router: createRouter() });
    let { url } = server;
    const client = closing(createClient<Router>({ url: () => url, backoff: { baseMs: 1, maxMs: 4 }, random: () => 0 }));
    const slow = client.slow.mutate();
    await client.ping.query();
    const closed = server.close();
    ({ url } = other);
    expect(await client.ping.query()).toBe("pong");
    expect([server.connections, other.connections]).toEqual([1, 1]);
    gate.open("done");
    expect(await slow).toBe("done");
    await closed;
    expect(client.connection.state.status).toBe("online");
  });

  it("has a client make a call again that was declined: it is run once, by the other server", async () => {
    const gate = createGate<string>();
    const started: string[] = [];
    const router = (name: string) =>
      t.router({
        slow: t.procedure.mutation(() => gate.opened),
        add: t.procedure.mutation(() => started.push(name)),
        news: t.procedure.subscription(async function* ({ signal }) {
          yield name;
          await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        }),
      });
    const server = await startServer({ router: router("the one that goes") });
    const other = await startServer({ router: router("the other") });
    let { url } = server;
    const tap = createTap();
    const { WebSocket } = tap;
    const options = { url: () => url, WebSocket, backoff: { baseMs: 1, maxMs: 4 }, random: () => 0 };
    const client = closing(createClient<ReturnType<typeof router>>(options));
    const items: string[] = [];
    client.news.subscribe(undefined, { onData: (item) => items.push(item) });
    const slow = client.slow.mutate();
    await until("it has an item", () => items.length === 1);

    // What the server says is held back: the call is sent before goaway is known.
    tap.sockets[0]?.pause();
    const closed = server.close();
    ({ url } = other);
    const add = client.add.mutate();
    await turn();
    tap.sockets[0]?.resume();
    expect(await add).toBe(1);
    await until("the subscription has moved", () => items.length === 2);
    expect(started).toEqual(["the other"]);
    expect(items).toEqual(["the one that goes", "the other"]);
    gate.open("done");
    expect(await slow).toBe("done");
    await closed;
  });

  it("closes at once what has nothing in flight, and what has a subscription when drainMs is over", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const [idle, subscribed, silent] = [
      await openGreeted(server.url),
      await openGreeted(server.url),
      await openRaw(server.url),
    ];
    subscribed.send([12, 1, "ticks", {}]);
    await subscribed.message(23, 1);
    const closed = server.close({ drainMs: 1_000 });
    for (const raw of [idle, silent]) expect((await raw.closed).code).toBe(1001);
    await time.pass(999);
    expect(server.connections).toBe(1);
    await time.pass(1);
    expect((await subscribed.closed).code).toBe(1001);
    await closed;
  });

  it("closes at once a connection whose client has ended its subscriptions", async () => {
    const server = await startServer({ router: createRouter() });
    const raw = await openGreeted(server.url);
    raw.send([12, 1, "ticks", {}]);
    await raw.message(23, 1);
    const closed = server.close();
    await raw.message(6);
    raw.send([13, 1]);
    expect((await raw.closed).code).toBe(1001);
    await closed;
  });

  it("closes anyway when drainMs is over", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const client = closing(createClient<Router>({ url: server.url }));
    const slow = rejection(client.slow.mutate());
    await client.ping.query();

    let closed = false;
    const close = server.close({ drainMs: 1_000 }).then(() => {
      closed = true;
    });
    await time.pass(999);
    expect({ closed, connections: server.connections }).toEqual({ closed: false, connections: 1 });

    await time.pass(1);
    expect(await slow).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    await close;
  });

  it("waits five seconds by default", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "slow", {}], [10, 2, "ping", {}]);
    await raw.message(20, 2);
    const closed = server.close();
    await time.pass(4_999);
    raw.send([10, 3, "ping", {}]);
    await raw.message(27, 3);
    await time.pass(1);
    expect((await raw.closed).code).toBe(1001);
    await closed;
  });

  it("cuts a client that does not answer nor say goodbye, five seconds after its time to drain", async () => {
    const time = holdTime();
    const server = await startServer({ router: createRouter() });
    const raw = await openGreeted(server.url);
    raw.socket.pause();
    const closed = server.close({ drainMs: 1_000 });
    await time.pass(1_000);
    await time.pass(5_000);
    await closed;
    expect(server.connections).toBe(0);
    raw.socket.resume();
  });

  it("may be called twice", async () => {
    const server = await startServer({ router: createRouter() });
    await openGreeted(server.url);
    await Promise.all([server.close(), server.close({ drainMs: 0 })]);
    await server.close();
    expect(server.connections).toBe(0);
  });
});
