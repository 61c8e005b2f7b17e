import { FakeClock } from "@tautline/core/testing";
import { initTRPC } from "@trpc/server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAcceptor, MemoryClient, settled } from "../testing/memory-client.ts";
import type { Acceptor } from "./acceptor.ts";
import { createHub, type Hub } from "./hub.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { CuttableBroker } from "./testing/cuttable-broker.ts";

const t = initTRPC.context<{ user: string }>().create();
const router = t.router({ who: t.procedure.query(({ ctx }) => ctx.user) });

/** A node: a hub, and a server that it controls. */
class Node {
  readonly broker: CuttableBroker;
  readonly hub: Hub;
  readonly acceptor: Acceptor;
  readonly lost: unknown[] = [];
  readonly errors: unknown[] = [];

  constructor(backend: MemoryBackend, clock: FakeClock) {
    this.broker = new CuttableBroker(new MemoryBroker(backend), clock);
    this.hub = createHub({ broker: this.broker, clock, onError: (error) => this.errors.push(error) });
    this.acceptor = createAcceptor(
      {
        router,
        hub: this.hub,
        createContext: ({ info }) => ({ user: info.connectionParams?.["user"] ?? "nobody" }),
        identify: (ctx: unknown) => (ctx as { user: string }).user,
        onSession: ({ type, identity }) => type === "lost" && this.lost.push(identity),
      },
      clock,
    );
  }

  async open(user: string): Promise<MemoryClient> {
    const client = new MemoryClient(this.acceptor);
    await client.send([0, 1, { params: { user }, token: `${user}'s own` }]);
    return client;
  }

  async close(): Promise<void> {
    await this.acceptor.close(0);
    await this.hub.close();
  }
}

const clock = new FakeClock();
let backend: MemoryBackend;
let nodes: readonly [Node, Node];

beforeEach(() => {
  backend = new MemoryBackend({ clock });
  nodes = [new Node(backend, clock), new Node(backend, clock)];
});

afterEach(async () => {
  for (const node of nodes) await node.close();
  expect(backend.entries).toBe(0);
  backend.close();
  expect(clock.timers).toBe(0);
});

describe("disconnect", () => {
  test("ends the sessions of an identity on all nodes, those without a connection too, and nobody else's", async () => {
    const [here, there] = nodes;
    const eve = [await here.open("eve"), await there.open("eve")];
    const parked = await there.open("eve");
    await parked.cut();
    const ada = [await here.open("ada"), await there.open("ada")];
    here.hub.disconnect("eve");
    await settled();
    for (const client of eve) expect(client.closed).toEqual({ code: 4411, reason: "disconnected" });
    for (const client of ada) expect(client.closed).toBeUndefined();
    expect([here.lost, there.lost]).toEqual([["eve"], ["eve", "eve"]]);
    const again = new MemoryClient(there.acceptor);
    await again.send([0, 1, { params: { user: "eve" }, token: eve[1]?.welcome?.token, received: 0, attempt: 2 }]);
    expect(again.welcome).not.toHaveProperty("received");
    for (const client of [...ada, again]) await client.close(1000);
  });

  test("does not end what is opened after it", async () => {
    const [here] = nodes;
    const signal = here.broker.signal.bind(here.broker);
    let late = (): void => {};
    here.broker.signal = (channel, text) => {
      late = () => signal(channel, text);
    };
    here.hub.disconnect("eve");
    const later = await here.open("eve");
    late();
    await settled();
    expect(later.closed).toBeUndefined();
    await later.close(1000);
  });

  test("aborts what runs", async () => {
    const reasons: unknown[] = [];
    const waiting = t.router({
      wait: t.procedure.query(({ signal }) => {
        signal?.addEventListener("abort", () => reasons.push(signal.reason));
        return new Promise<void>(() => {});
      }),
    });
    const acceptor = createAcceptor({ router: waiting, hub: nodes[0].hub, identify: () => "eve" }, clock);
    const client = new MemoryClient(acceptor);
    await client.send([0, 1, {}], [10, 1, "wait", {}]);
    nodes[1].hub.disconnect("eve");
    await settled();
    expect(reasons).toMatchObject([{ code: "SESSION_LOST" }]);
    expect(client.closed?.code).toBe(4411);
    await acceptor.close(0);
  });
});

describe("counts", () => {
  test("are those of all nodes, as of their last beat", async () => {
    const [here, there] = nodes;
    await settled();
    expect(await here.hub.counts()).toEqual({ nodes: 2, connections: 0, parkedSessions: 0 });
    const clients = [await here.open("ada"), await there.open("ada"), await there.open("eve")];
    await clients[2]?.cut();
    expect(await there.hub.counts()).toEqual({ nodes: 2, connections: 1, parkedSessions: 1 });
    clock.advance(10_000);
    await settled();
    for (const { hub } of nodes) expect(await hub.counts()).toEqual({ nodes: 2, connections: 2, parkedSessions: 1 });
    for (const client of clients.slice(0, 2)) await client.close(1000);
  });

  test("are without nodes that have closed, and those that are not heard of for the time of a lease", async () => {
    const [here, there] = nodes;
    const third = new Node(backend, clock);
    await settled();
    expect((await here.hub.counts()).nodes).toBe(3);
    await third.close();
    expect((await here.hub.counts()).nodes).toBe(2);
    there.broker.cut();
    await expect(there.hub.counts()).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    clock.advance(29_999);
    expect((await here.hub.counts()).nodes).toBe(2);
    clock.advance(1);
    expect((await here.hub.counts()).nodes).toBe(1);
    there.broker.restore();
    clock.advance(10_000);
    await settled();
    expect((await here.hub.counts()).nodes).toBe(2);
  });
});

describe("broadcast", () => {
  test("reaches the listeners of its name on all nodes, with what was sent", async () => {
    const heard: unknown[] = [];
    const open = nodes.map(({ hub }) => hub.onBroadcast("reload", (data) => heard.push(data)));
    nodes[1].hub.onBroadcast("other", (data) => heard.push(data)).close();
    const sent = { at: new Date(7), of: new Set(["a"]) };
    nodes[0].hub.broadcast("reload", sent);
    nodes[0].hub.broadcast("other", 1);
    await settled();
    expect(heard).toEqual([sent, sent]);
    for (const listening of open) listening.close();
    nodes[0].hub.broadcast("reload");
    await settled();
    expect(heard).toHaveLength(2);
  });

  test("goes on to others where a listener throws, which onError hears of", async () => {
    const heard: unknown[] = [];
    const boom = new Error("boom");
    const open = [
      nodes[0].hub.onBroadcast("reload", () => {
        throw boom;
      }),
      nodes[0].hub.onBroadcast("reload", (data) => heard.push(data)),
    ];
    nodes[1].hub.broadcast("reload", 1);
    await settled();
    expect([heard, nodes[0].errors]).toEqual([[1], [boom]]);
    for (const listening of open) listening.close();
  });

  test("of what cannot be read is told to onError, and ends nothing", async () => {
    new MemoryBroker(backend).signal("control", "{");
    nodes[0].hub.broadcast("reload");
    await settled();
    for (const { errors } of nodes) expect(errors).toHaveLength(1);
  });
});
