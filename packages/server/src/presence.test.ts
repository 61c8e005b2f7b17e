import { SchemaError } from "@tautline/core";
import { FakeClock } from "@tautline/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { turns } from "../testing/topic-world.ts";
import { createHub, type Hub } from "./hub.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBroker } from "./memory-broker.ts";
import type { PresenceChange } from "./presence.ts";
import { CuttableBroker } from "./testing/cuttable-broker.ts";
import type { Topic } from "./topic.ts";
import type { TopicSubscription } from "./topic-subscription.ts";

const Person = z.object({ id: z.string(), name: z.string() });
type Person = z.infer<typeof Person>;
type Rooms = Topic<unknown, unknown, Person, Person>;

const ada = { id: "1", name: "Ada" };
const grace = { id: "2", name: "Grace" };
const linus = { id: "3", name: "Linus" };

class Node {
  readonly broker: CuttableBroker;
  readonly hub: Hub;
  readonly rooms: Rooms;

  constructor(backend: MemoryBackend, clock: FakeClock) {
    this.broker = new CuttableBroker(new MemoryBroker(backend), clock);
    this.hub = createHub({ broker: this.broker, clock });
    this.rooms = this.hub.topic("rooms", z.unknown(), { member: Person });
  }

  /** Somebody subscribes, until what this returns is called. */
  join(person: Person, ...keys: readonly string[]): () => void {
    const subscription: TopicSubscription<unknown> = this.rooms.subscribe(keys.length > 0 ? keys : "lobby", {
      as: person,
    });
    const iterator = subscription[Symbol.asyncIterator]();
    return () => void iterator.return?.();
  }
}

/** Looks at who is there. */
class Watcher {
  readonly #iterator: AsyncIterator<PresenceChange<Person>, void>;
  #next: Promise<IteratorResult<PresenceChange<Person>, void>> | undefined = undefined;

  constructor(rooms: Rooms, key = "lobby", signal?: AbortSignal) {
    this.#iterator = rooms.presence(key, { signal })[Symbol.asyncIterator]();
  }

  /** The next change; undefined where nothing changes, "done" where it is over. */
  async look(): Promise<PresenceChange<Person> | "done" | undefined> {
    this.#next ??= this.#iterator.next();
    await turns();
    const result = await Promise.race([this.#next, turns().then(() => undefined)]);
    if (result === undefined) return undefined;
    this.#next = undefined;
    return result.done === true ? "done" : result.value;
  }

  async stop(): Promise<void> {
    await this.#iterator.return?.();
  }
}

const clock = new FakeClock();
let backend: MemoryBackend;
let here: Node;
let there: Node;

beforeEach(() => {
  backend = new MemoryBackend({ clock });
  here = new Node(backend, clock);
  there = new Node(backend, clock);
});

afterEach(async () => {
  await turns();
  expect(backend.entries).toBe(0);
  for (const { hub } of [here, there]) await hub.close();
  backend.close();
  expect(clock.timers).toBe(0);
});

describe("presence", () => {
  test("tells first who is there, and then who comes and goes, on all nodes", async () => {
    const left = [here.join(ada)];
    const watchers = [new Watcher(here.rooms), new Watcher(there.rooms)];
    for (const watcher of watchers) expect(await watcher.look()).toEqual({ members: [ada], joined: [ada], left: [] });
    left.push(there.join(grace));
    for (const watcher of watchers)
      expect(await watcher.look()).toEqual({ members: [ada, grace], joined: [grace], left: [] });
    left[0]?.();
    for (const watcher of watchers) expect(await watcher.look()).toEqual({ members: [grace], joined: [], left: [ada] });
    left[1]?.();
    for (const watcher of watchers) expect(await watcher.look()).toEqual({ members: [], joined: [], left: [grace] });
    for (const watcher of watchers) await watcher.stop();
  });

  test("says so where nobody is there, and counts nobody who does not say who it is", async () => {
    const iterator = here.rooms.subscribe("lobby")[Symbol.asyncIterator]();
    const watcher = new Watcher(there.rooms);
    expect(await watcher.look()).toEqual({ members: [], joined: [], left: [] });
    expect(await watcher.look()).toBeUndefined();
    await watcher.stop();
    await iterator.return?.();
  });

  test("has each member once, until the last of its subscriptions is over", async () => {
    const leave = [here.join(ada), here.join(ada), there.join(ada)];
    const watcher = new Watcher(there.rooms);
    expect(await watcher.look()).toMatchObject({ members: [ada] });
    leave[0]?.();
    leave[2]?.();
    expect(await watcher.look()).toBeUndefined();
    leave[1]?.();
    expect(await watcher.look()).toMatchObject({ members: [], left: [ada] });
    await watcher.stop();
  });

  test("tells of a member of whom something else is said", async () => {
    const first = here.join(ada);
    const watcher = new Watcher(there.rooms);
    expect(await watcher.look()).toMatchObject({ joined: [ada] });
    const renamed = { ...ada, name: "Countess" };
    const second = here.join(renamed);
    expect(await watcher.look()).toEqual({ members: [renamed], joined: [renamed], left: [] });
    first();
    second();
    await watcher.stop();
  });

  test("shows whoever looks and says who it is, for as long as it looks", async () => {
    const looking = here.rooms.presence("lobby", { as: ada })[Symbol.asyncIterator]();
    await turns();
    expect((await looking.next()).value).toMatchObject({ members: [ada] });
    expect(await there.rooms.presence("lobby").members()).toEqual([ada]);
    await looking.return?.();
    await turns();
    expect(await there.rooms.presence("lobby").members()).toEqual([]);
    // @ts-expect-error: no name
    expect(() => here.rooms.presence("lobby", { as: { id: "1" } })[Symbol.asyncIterator]()).toThrow(SchemaError);
  });

  test("keeps keys apart, and has whoever subscribes to several in each", async () => {
    const leave = [here.join(ada, "a", "b"), there.join(grace, "b")];
    await turns();
    expect(await there.rooms.presence("a").members()).toEqual([ada]);
    expect(await here.rooms.presence("b").members()).toEqual([ada, grace]);
    expect(await here.rooms.presence("c").members()).toEqual([]);
    for (const one of leave) one();
  });

  test("gives a slow reader what has changed as one, and nothing where it has changed back", async () => {
    const iterator = here.rooms.presence("lobby")[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ members: [], joined: [], left: [] });
    const leave = there.join(ada);
    there.join(grace)();
    await turns();
    const leaveToo = there.join(linus);
    await turns();
    expect((await iterator.next()).value).toEqual({ members: [ada, linus], joined: [ada, linus], left: [] });
    there.join(grace)();
    await turns();
    leave();
    await turns();
    expect((await iterator.next()).value).toEqual({ members: [linus], joined: [], left: [ada] });
    leaveToo();
    await iterator.return?.();
  });

  test("lets the members of a node go that is not heard of, and has them again when it is", async () => {
    const leave = [here.join(ada), there.join(grace)];
    const watcher = new Watcher(here.rooms);
    expect(await watcher.look()).toMatchObject({ members: [ada, grace] });
    there.broker.cut();
    const change = await beats(3, watcher);
    expect(change).toMatchObject({ members: [ada], left: [grace] });
    there.broker.restore();
    expect(await beats(2, watcher)).toMatchObject({ members: [ada, grace], joined: [grace] });
    for (const one of leave) one();
    await watcher.stop();
  });

  test("keeps the members of nodes that are heard of, as long as they are there", async () => {
    const leave = here.join(ada);
    const watcher = new Watcher(there.rooms);
    await watcher.look();
    expect(await beats(20, watcher)).toBeUndefined();
    leave();
    await watcher.stop();
  });

  test("sees who came and went while its own node was cut off", async () => {
    const watcher = new Watcher(here.rooms);
    await watcher.look();
    here.broker.cut();
    const leave = there.join(ada);
    expect(await watcher.look()).toBeUndefined();
    here.broker.restore();
    expect(await beats(1, watcher)).toMatchObject({ joined: [ada] });
    leave();
    await watcher.stop();
  });

  test("looks again when something is heard while it looks, and not once for each that is heard", async () => {
    let looks = 0;
    const members = here.broker.members.bind(here.broker);
    here.broker.members = async (group) => {
      looks++;
      const seen = await members(group);
      await turns();
      return seen;
    };
    const watcher = new Watcher(here.rooms);
    await watcher.look();
    const people = Array.from({ length: 50 }, (_, index) => ({ id: `${index}`, name: "?" }));
    const leave = people.map((person) => there.join(person));
    const seen = new Set<string>();
    for (let change = await watcher.look(); change !== undefined && change !== "done"; change = await watcher.look())
      for (const { id } of change.joined) seen.add(id);
    expect(seen.size).toBe(50);
    expect(looks).toBeLessThan(10);
    for (const one of leave) one();
    await watcher.stop();
    await turns();
  });

  test("ends when its signal is aborted, also one that was before", async () => {
    const controller = new AbortController();
    const watcher = new Watcher(here.rooms, "lobby", controller.signal);
    await watcher.look();
    controller.abort();
    expect(await watcher.look()).toBe("done");
    expect(await new Watcher(here.rooms, "lobby", controller.signal).look()).toBe("done");
  });

  test("ends a subscription whose member is none, before it begins", async () => {
    // @ts-expect-error: no name
    const iterator = here.rooms.subscribe("lobby", { as: { id: "1" } })[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toThrow(SchemaError);
    const ill = here.rooms.subscribe("lobby", { as: { id: "\ud800", name: "x" } })[Symbol.asyncIterator]();
    await expect(ill.next()).rejects.toThrow(TypeError);
  });

  test("ends a subscription to a topic whose members' schema is asynchronous, whatever becomes of that", async () => {
    for (const isMember of [true, false]) {
      const member = z.object({ id: z.string() }).refine(async () => isMember);
      const late = here.hub.topic(`late ${isMember}`, z.unknown(), { member });
      const iterator = late.subscribe("lobby", { as: { id: "1" } })[Symbol.asyncIterator]();
      await expect(iterator.next()).rejects.toThrow(TypeError);
    }
    await turns();
  });

  test("takes ids alone where a topic has no schema of members", async () => {
    const plain = here.hub.topic("plain", z.unknown());
    const iterator = plain.subscribe("a", { as: { id: "ada" } })[Symbol.asyncIterator]();
    await turns();
    expect(await plain.presence("a").members()).toEqual([{ id: "ada" }]);
    await iterator.return?.();
  });
});

/** Lets so many beats pass, each with what it sets off; gives what has changed. */
async function beats(count: number, watcher: Watcher): Promise<PresenceChange<Person> | "done" | undefined> {
  for (let beat = 0; beat < count; beat++) {
    clock.advance(10_000);
    await turns();
  }
  return await watcher.look();
}
