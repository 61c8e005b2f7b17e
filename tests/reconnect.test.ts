import { createClient } from "@tautline/client";
import { tautlineLink } from "@tautline/client/link";
import { createTRPCClient } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, createTap, rejection } from "./fixture/client.ts";
import { createRouter, open, type Router, restart, soon, started } from "./fixture/living-server.ts";
import { startRestartable } from "./fixture/restartable.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

describe("when the server dies and comes back", () => {
  it("a query in flight is sent again, and answered once", async () => {
    const setup = await open();
    const answer = setup.client.get.query();
    await until("the query runs", () => started.length === 1);
    await restart(setup);
    expect(await answer).toBe("got in life 2");
    expect(started).toEqual(["get in life 1", "get in life 2"]);
  });

  it("a mutation that was sent and not answered is OUTCOME_UNKNOWN, and not sent again", async () => {
    const setup = await open();
    const answer = rejection(setup.client.add.mutate());
    await until("the mutation runs", () => started.length === 1);
    await restart(setup);
    expect(await answer).toMatchObject({ code: "OUTCOME_UNKNOWN", cause: { code: "SESSION_LOST" } });
    expect(await setup.client.ping.query()).toBe("pong");
    expect(started).toEqual(["add in life 1"]);
  });

  it("a mutation that was not sent is sent, once, and in its place among the others", async () => {
    const { server, client } = await open();
    await client.ping.query();
    await server.kill();
    await until("the client has noticed", () => client.connection.state.status === "reconnecting");
    const answers = Promise.all(["a", "b", "c"].map((name) => client.add.mutate(name)));
    await server.start();
    expect(await answers).toEqual(Array.from({ length: 3 }, () => "added in life 2"));
    expect(started).toEqual(["a in life 2", "b in life 2", "c in life 2"]);
  });

  it("a call that was aborted meanwhile is not sent", async () => {
    const { server, client } = await open();
    await client.ping.query();
    await server.kill();
    await until("the client has noticed", () => client.connection.state.status === "reconnecting");
    const controller = new AbortController();
    const answer = rejection(client.add.mutate("never", { signal: controller.signal }));
    controller.abort();
    expect(await answer).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await server.start();
    expect(await client.ping.query()).toBe("pong");
    expect(started).toEqual([]);
  });

  it("a subscription is started again", async () => {
    const setup = await open();
    const events: unknown[] = [];
    setup.client.news.subscribe(undefined, {
      onStarted: () => events.push("started"),
      onData: (item) => events.push(item),
      onError: (error) => events.push(error),
    });
    await until("the items are here", () => events.length === 3);
    await restart(setup);
    await until("they are here again", () => events.length === 6);
    const once = (life: number): string[] => ["started", `first of life ${life}`, `second of life ${life}`];
    expect(events).toEqual([...once(1), ...once(2)]);
    expect(started).toEqual(["news in life 1", "news in life 2"]);
  });

  it("a tracked subscription goes on after the last event that came", async () => {
    const setup = await open();
    const items: unknown[] = [];
    setup.client.log.subscribe({ of: "all" }, { onData: (item) => items.push(item) });
    for (const count of [2, 4, 6]) {
      await until("the items are here", () => items.length === count);
      await restart(setup);
    }
    await until("the items are here", () => items.length === 8);
    expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((id) => ({ id: `${id}`, data: `event ${id}` })));
    expect(started).toEqual([
      "log of all after nothing in life 1",
      "log of all after 2 in life 2",
      "log of all after 4 in life 3",
      "log of all after 6 in life 4",
    ]);
  });

  it("a tracked subscription without input goes on too, in its loop", async () => {
    const setup = await open();
    const items: unknown[] = [];
    for await (const item of setup.client.bareLog.subscribe()) {
      items.push(item);
      if (items.length === 3) break;
      await restart(setup);
    }
    expect(items).toEqual([1, 2, 3].map((id) => ({ id: `${id}`, data: id })));
    expect(started).toEqual([
      "bare log after nothing in life 1",
      "bare log after 1 in life 2",
      "bare log after 2 in life 3",
    ]);
  });

  it("a subscription that was ended meanwhile is not started again", async () => {
    const { server, client } = await open();
    const items: unknown[] = [];
    const subscription = client.news.subscribe(undefined, { onData: (item) => items.push(item) });
    await until("the items are here", () => items.length === 2);
    await server.kill();
    await until("the client has noticed", () => client.connection.state.status === "reconnecting");
    subscription.unsubscribe();
    await server.start();
    expect(await client.ping.query()).toBe("pong");
    expect(started).toEqual(["news in life 1"]);
  });

  it("calls of every kind at once each keep to their rule", async () => {
    const setup = await open();
    const { client } = setup;
    const queries = Array.from({ length: 20 }, () => client.get.query());
    const mutations = Array.from({ length: 20 }, () => rejection(client.add.mutate()));
    const items: unknown[] = [];
    for (const of of ["a", "b"]) client.log.subscribe({ of }, { onData: (item) => items.push(item) });
    await until("all of them run", () => started.length === 42 && items.length === 4);
    await restart(setup);
    expect(await Promise.all(queries)).toEqual(queries.map(() => "got in life 2"));
    for (const error of await Promise.all(mutations)) expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    await until("the subscriptions have gone on", () => items.length === 8);
    expect(started.filter((what) => what === "add in life 2")).toEqual([]);
    expect(started.filter((what) => what === "get in life 2")).toHaveLength(20);
  });

  it("the same holds through tautlineLink", async () => {
    started.length = 0;
    const server = await startRestartable(createRouter);
    const link = closing(tautlineLink<Router>({ url: server.url, backoff: soon }));
    const client = createTRPCClient<Router>({ links: [link] });
    const query = client.get.query();
    const mutation = rejection(client.add.mutate());
    const items: unknown[] = [];
    const states: string[] = [];
    client.log.subscribe(
      { of: "all" },
      { onData: (item) => items.push(item), onConnectionStateChange: ({ state }) => states.push(state) },
    );
    await until("all of them run", () => started.length === 3 && items.length === 2);
    await server.kill();
    await until("the client has noticed", () => link.connection.state.status === "reconnecting");
    await server.start();
    expect(await query).toBe("got in life 2");
    expect(await mutation).toMatchObject({ cause: { code: "OUTCOME_UNKNOWN" } });
    await until("the subscription has gone on", () => items.length === 4);
    expect(items).toEqual([1, 2, 3, 4].map((id) => ({ id: `${id}`, data: `event ${id}` })));
    expect(states.slice(0, 2).concat(states.slice(-2))).toEqual(["connecting", "pending", "connecting", "pending"]);
  });
});

describe("when the connection breaks and the server lives", () => {
  it("everything goes on where it was: nothing is started again, nothing comes twice", async () => {
    started.length = 0;
    const server = await startServer({ router: createRouter(2) });
    const tap = createTap();
    const client = closing(createClient<Router>({ url: server.url, backoff: soon, WebSocket: tap.WebSocket }));
    const items: unknown[] = [];
    client.news.subscribe(undefined, { onData: (item) => items.push(item) });
    await until("the items are here", () => items.length === 2);
    for (let round = 0; round < 3; round++) {
      const answers = Promise.all([client.get.query(), client.add.mutate("a"), client.add.mutate("b")]);
      await turn();
      tap.sockets.at(-1)?.terminate();
      expect(await answers).toEqual(["got in life 2", "added in life 2", "added in life 2"]);
    }
    expect(tap.sockets.length).toBeGreaterThan(3);
    expect(items).toEqual(["first of life 2", "second of life 2"]);
    expect(started.filter((what) => what.startsWith("news"))).toHaveLength(1);
    for (const what of ["a in life 2", "b in life 2", "get in life 2"]) {
      expect(started.filter((name) => name === what)).toHaveLength(3);
    }
  });

  it("a subscription through tautlineLink that goes on says that it has started, as tRPC's hooks wait for", async () => {
    started.length = 0;
    const server = await startServer({ router: createRouter(2) });
    const link = closing(tautlineLink<Router>({ url: server.url, backoff: soon }));
    const heard: unknown[] = [];
    createTRPCClient<Router>({ links: [link] }).news.subscribe(undefined, {
      onStarted: () => heard.push("started"),
      onConnectionStateChange: ({ state }) => heard.push(state),
      onData: (item) => heard.push(item),
    });
    await until("the items are here", () => heard.length === 6);
    link.connection.reconnect();
    await until("it goes on", () => heard.length === 9);
    expect(heard.slice(0, 4)).toEqual(["idle", "connecting", "pending", "started"]);
    expect(heard.slice(6)).toEqual(["connecting", "pending", "started"]);
    expect(started).toEqual(["news in life 2"]);
  });

  it("a subscription through tautlineLink hears the state of now first", async () => {
    const server = await startServer({ router: createRouter(2) });
    const link = closing(tautlineLink<Router>({ url: server.url, backoff: soon }));
    const client = createTRPCClient<Router>({ links: [link] });
    await client.ping.query();
    const states: string[] = [];
    client.news.subscribe(undefined, { onConnectionStateChange: ({ state }) => states.push(state) });
    expect(states).toEqual(["pending"]);
  });

  it("a mutation whose session is not kept is OUTCOME_UNKNOWN, and not sent again", async () => {
    started.length = 0;
    const server = await startServer({ router: createRouter(1), sessionWindowMs: 0 });
    const tap = createTap();
    const client = closing(createClient<Router>({ url: server.url, backoff: soon, WebSocket: tap.WebSocket }));
    const answer = rejection(client.add.mutate());
    await until("the mutation runs", () => started.length === 1);
    tap.sockets[0]?.terminate();
    expect(await answer).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(await client.ping.query()).toBe("pong");
    expect(started).toEqual(["add in life 1"]);
  });
});
