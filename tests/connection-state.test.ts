import { type ConnectionState, createClient } from "@tautline/client";
import { tautlineLink } from "@tautline/client/link";
import { createTRPCClient, retryLink } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { open, type Router, restart, soon, started } from "./fixture/living-server.ts";

cleanUpAfterEach();

describe("the client's state", () => {
  it("goes from idle over connecting to online, and over reconnecting back", async () => {
    const setup = await open();
    expect(setup.client.connection.state).toEqual({ status: "idle" });
    await setup.client.ping.query();
    await restart(setup);
    expect(await setup.client.ping.query()).toBe("pong");
    const names = setup.states.map(({ status }) => status);
    expect([...new Set(names)]).toEqual(["connecting", "online", "reconnecting"]);
    expect(names.slice(0, 3)).toEqual(["connecting", "online", "reconnecting"]);
    expect(names.at(-1)).toBe("online");
    expect(setup.client.connection.state).toEqual({ status: "online" });
  });

  it("says what was against a connection that did not come about, as far as its host tells", async () => {
    const { server } = await open();
    const client = closing(createClient<Router>({ url: new URL("/elsewhere", server.url), lazy: false }));
    await until("it has tried", () => client.connection.state.status === "reconnecting");
    expect(client.connection.state).toMatchObject({
      reason: {
        message: "closed (1006 Unexpected server response: 404)",
        cause: { message: "Unexpected server response: 404" },
      },
    });
  });

  it("is an external store, as React takes them: what subscribes may be taken off it, and a state stays the same", async () => {
    const { client } = await open();
    const { subscribe } = client.connection;
    let told = 0;
    const stop = subscribe(() => {
      told++;
    });
    await client.ping.query();
    expect(told).toBe(2);
    expect(client.connection.state).toBe(client.connection.state);
    stop();
    client.connection.close();
    expect(told).toBe(2);
  });

  it("says how often it has tried, when it tries next, and why", async () => {
    const { server, client, states } = await open();
    await client.ping.query();
    const before = Date.now();
    await server.kill();
    await until("it has tried three times", () => states.length >= 5);
    const tries = states.slice(2, 5);
    tries.forEach((state, index) => {
      expect(state).toMatchObject({
        status: "reconnecting",
        attempt: index + 1,
        reason: { code: "CONNECTION_CLOSED" },
      });
      if (state.status !== "reconnecting") return;
      expect(state.retryAt).toBeGreaterThanOrEqual(before);
      expect(state.retryAt).toBeLessThanOrEqual(Date.now() + soon.maxMs);
    });
    await server.start();
    await client.ping.query();
    expect(client.connection.state).toEqual({ status: "online" });
  });

  it("counts anew after it was online", async () => {
    const setup = await open();
    await setup.client.ping.query();
    for (let life = 0; life < 2; life++) {
      const { length } = setup.states;
      await restart(setup);
      await setup.client.ping.query();
      expect(setup.states[length]).toMatchObject({ status: "reconnecting", attempt: 1 });
    }
  });

  it("is told to every listener until it unsubscribes, also where one function listens twice", async () => {
    const { client } = await open();
    const heard: string[] = [];
    const listener = ({ status }: ConnectionState): void => void heard.push(status);
    const stops = [client.connection.subscribe(listener), client.connection.subscribe(listener)];
    await client.ping.query();
    expect(heard).toEqual(["connecting", "connecting", "online", "online"]);
    stops[0]?.();
    stops[0]?.();
    client.connection.close();
    expect(heard.slice(4)).toEqual(["closed"]);
  });

  it("is told in its order, also where a listener has changed it", async () => {
    const { client } = await open();
    const heard: string[] = [];
    client.connection.subscribe(({ status }) => {
      if (status === "online") client.connection.close();
    });
    client.connection.subscribe(({ status }) => void heard.push(status));
    expect(await rejection(client.ping.query())).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(heard).toEqual(["connecting", "closed"]);
    expect(client.connection.state).toEqual({ status: "closed" });
  });

  it("may be changed by a listener that calls at once: what it calls is not ended with what was before", async () => {
    const { client } = await open();
    await client.ping.query();
    const called: Promise<string>[] = [];
    client.connection.subscribe(({ status }) => {
      if (status !== "closed") return;
      client.connection.connect();
      called.push(client.ping.query());
    });
    client.connection.close();
    expect(await Promise.all(called)).toEqual(["pong"]);
    expect(client.connection.state).toEqual({ status: "online" });
  });

  it("refuses the call for which it was to be opened, where a listener closes it", async () => {
    const { client } = await open();
    client.connection.subscribe(({ status }) => {
      if (status === "connecting") client.connection.close();
    });
    expect(await rejection(client.ping.query())).toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("is closed for whoever hears of a call that has ended with it", async () => {
    const { client } = await open();
    const told: string[] = [];
    let begun = false;
    client.news.subscribe(undefined, {
      onStarted: () => {
        begun = true;
      },
      onError: ({ code }) => {
        told.push(code, client.connection.state.status);
      },
    });
    await until("it has started", () => begun);
    client.connection.close();
    expect(told).toEqual(["CONNECTION_CLOSED", "closed"]);
  });

  it("leaves the program its turns where it is closed and tRPC's retryLink calls again and again", async () => {
    const { server } = await open();
    const link = closing(tautlineLink<Router>({ url: server.url }));
    let calls = 0;
    // The end of its patience, without which this test would not end where it fails.
    const again = retryLink<Router>({ retry: () => ++calls < 100_000 });
    const client = createTRPCClient<Router>({ links: [again, link] });
    link.connection.close();
    const answer = client.ping.query();
    const subscription = client.news.subscribe(undefined, { onData: () => {} });
    await until("both were refused", () => calls >= 4);
    expect(calls).toBeLessThan(1_000);
    subscription.unsubscribe();
    link.connection.connect();
    expect(await answer).toBe("pong");
    expect(started).toEqual([]);
  });

  it("is told to a subscription while it lasts", async () => {
    const setup = await open();
    const heard: string[] = [];
    const subscription = setup.client.news.subscribe(undefined, {
      onConnectionStateChange: ({ status }) => heard.push(status),
    });
    await until("it has started", () => started.length === 1);
    await restart(setup);
    await until("it has started again", () => started.length === 2 && heard.at(-1) === "online");
    expect([...new Set(heard)]).toEqual(["connecting", "online", "reconnecting"]);
    const { length } = heard;
    subscription.unsubscribe();
    setup.client.connection.close();
    expect(heard).toHaveLength(length);
  });
});
