import { rich } from "@tautline/core";
import { Deadlines } from "@tautline/core/internals";
import { FakeClock } from "@tautline/core/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { turns } from "../testing/topic-world.ts";
import { EventCodec } from "./event-codec.ts";
import { createHub } from "./hub.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { PresenceGroups } from "./presence.ts";
import { Renewals } from "./renewals.ts";

function createRooms() {
  const clock = new FakeClock();
  const broker = new MemoryBroker(new MemoryBackend({ clock }));
  const hub = createHub({ broker, clock });
  return { clock, broker, hub, rooms: hub.topic("rooms", z.unknown()) };
}

const ada = { id: "ada" };

describe("presence at a key", () => {
  test("is not mixed up by whoever still looks from before everybody had left", async () => {
    const { broker, hub, rooms } = createRooms();
    const members = broker.members.bind(broker);
    let answer = (): void => {};
    broker.members = async (group) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return await members(group);
    };
    const join = () => rooms.subscribe("lobby", { as: ada })[Symbol.asyncIterator]();
    const first = join();
    const looking = rooms.presence("lobby").members();
    await first.return?.();
    const second = join();
    answer();
    await looking;
    broker.members = members;
    const third = join();
    await third.return?.();
    await turns();
    // The second is still there.
    expect(await rooms.presence("lobby").members()).toEqual([ada]);
    await second.return?.();
    await turns();
    expect(await rooms.presence("lobby").members()).toEqual([]);
    await hub.close();
  });

  test("shows whoever came after its first look and before signals come", async () => {
    const { broker, hub, rooms } = createRooms();
    const listen = broker.listen.bind(broker);
    let stand = (): void => {};
    broker.listen = (channel, onSignal, onListening) => {
      let stands = false;
      stand = () => {
        stands = true;
        onListening?.();
      };
      return listen(channel, (text) => {
        if (stands) onSignal(text);
      });
    };
    const watching = rooms.presence("lobby")[Symbol.asyncIterator]();
    expect((await watching.next()).value?.members).toEqual([]);
    const there = rooms.subscribe("lobby", { as: ada })[Symbol.asyncIterator]();
    void there.next();
    await turns();
    stand();
    expect((await watching.next()).value).toMatchObject({ members: [ada], joined: [ada], left: [] });
    await there.return?.();
    await watching.return?.();
    await hub.close();
  });

  test("is forgotten where somebody who is none, or has gone already, was to be shown or to look", () => {
    const clock = new FakeClock();
    const host = {
      broker: new MemoryBroker(new MemoryBackend({ clock })),
      codec: new EventCodec(rich, 1_000),
      renewals: new Renewals(new Deadlines(clock), 30_000),
      node: "node",
    };
    const groups = new PresenceGroups(host, "rooms", z.looseObject({ id: z.string() }));
    for (const id of ["\ud800", "x".repeat(257)])
      expect(() => groups.of("lobby", { as: { id } })[Symbol.asyncIterator]()).toThrow();
    expect(() => groups.join(["a", "b"], { id: "ada", text: "x".repeat(2_000) })).toThrow("1000 bytes");
    groups.of("lobby", { signal: AbortSignal.abort() })[Symbol.asyncIterator]();
    expect([groups.size, clock.timers]).toEqual([0, 0]);
  });

  test("is over with its hub", async () => {
    const { hub, rooms } = createRooms();
    const looking = rooms.presence("lobby")[Symbol.asyncIterator]();
    expect((await looking.next()).value).toMatchObject({ members: [] });
    const next = looking.next();
    next.catch(() => {});
    await hub.close();
    const end = await Promise.race([next.catch((error: unknown) => error), turns().then(() => "still waiting")]);
    expect(end).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect(await looking.next()).toEqual({ done: true, value: undefined });
  });

  test("leaves nothing behind where somebody looks, and is to be shown, after its hub was closed", async () => {
    const { clock, hub, rooms } = createRooms();
    await hub.close();
    const look = () => rooms.presence("lobby", { as: ada })[Symbol.asyncIterator]();
    expect(look).toThrow(expect.objectContaining({ code: "SERVICE_UNAVAILABLE" }));
    await expect(rooms.presence("lobby").members()).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await expect(rooms.subscribe("lobby", { as: ada })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "SERVICE_UNAVAILABLE",
    });
    expect(clock.timers).toBe(0);
  });

  test("takes no member whose id is too long for a name", async () => {
    const { hub, rooms } = createRooms();
    const iterator = rooms.subscribe("lobby", { as: { id: "x".repeat(257) } })[Symbol.asyncIterator]();
    const next = iterator.next().catch((error: unknown) => error);
    expect(await Promise.race([next, turns()])).toMatchObject({ code: "BAD_REQUEST" });
    expect(await rooms.presence("lobby").members()).toEqual([]);
    await hub.close();
  });

  test("does not change with the order in which the broker names somebody who is there by two nodes", async () => {
    const clock = new FakeClock();
    const backend = new MemoryBackend({ clock });
    const Person = z.object({ id: z.string(), page: z.string() });
    const brokers = [new MemoryBroker(backend), new MemoryBroker(backend)];
    const hubs = brokers.map((broker) => createHub({ broker, clock }));
    const [here, there] = hubs.map((hub) => hub.topic("rooms", z.unknown(), { member: Person }));
    // As NATS does: whoever was renewed last is last.
    let turned = false;
    for (const broker of brokers) {
      const members = broker.members.bind(broker);
      broker.members = async (group) => {
        const all = [...(await members(group))];
        turned = !turned;
        return new Map(turned ? all : all.reverse());
      };
    }
    const shown = [
      here?.subscribe("lobby", { as: { id: "ada", page: "1" } })[Symbol.asyncIterator](),
      there?.subscribe("lobby", { as: { id: "ada", page: "2" } })[Symbol.asyncIterator](),
    ];
    const looking = here?.presence("lobby")[Symbol.asyncIterator]();
    await turns();
    const [first, next] = [await looking?.next(), looking?.next()];
    expect(first?.value).toMatchObject({ members: [{ id: "ada" }] });
    let changed = false;
    void next?.then(() => {
      changed = true;
    });
    for (let beat = 0; beat < 5; beat++) {
      clock.advance(10_000);
      await turns();
    }
    expect(changed).toBe(false);
    for (const one of [...shown, looking]) await one?.return?.();
    for (const hub of hubs) await hub.close();
  });
});
