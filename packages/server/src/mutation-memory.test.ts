import { TautlineError } from "@tautline/core";
import { messageType } from "@tautline/core/internals";
import { describe, expect, test } from "vitest";
import { AcceptorSetup } from "../testing/acceptor-setup.ts";
import { type MemoryClient, settled } from "../testing/memory-client.ts";
import { type IdempotencyStore, memoryIdempotencyStore } from "./idempotency.ts";

const keepMs = 10_000;

/** Sends a mutation again that was sent first with id 1. */
async function sendAgain(client: MemoryClient, fields: object, id = 2): Promise<void> {
  await client.send([messageType.mutation, id, "wait", { firstId: 1, ...fields }, "again"]);
}

/** What has become of a call: its result, or its error's code. */
function answerOf(client: MemoryClient, id: number): unknown {
  const [type, , value] = client.messages.find((message) => message[0] >= 20 && message[1] === id) ?? [];
  return type === messageType.error ? (value as { data: { code: string } }).data.code : value;
}

/** A store whose name, and whose answer, a test says. */
class SaidStore implements IdempotencyStore {
  name: string | undefined = "first";
  answer: () => Promise<undefined> = () => Promise.resolve(undefined);

  claim(): Promise<undefined> {
    return this.answer();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }
}

/** A session of a client with a name, at a server with a store. */
async function open(idempotency: IdempotencyStore = memoryIdempotencyStore({ keepMs }), options: object = {}) {
  const setup = new AcceptorSetup({ idempotency, ...options });
  const client = await setup.open({ client: "ann" });
  return { setup, client, store: client.welcome?.store };
}

describe("a mutation that is sent again, in another session", () => {
  test("is not run again, but answered with what it came to", async () => {
    const { setup, client, store } = await open();
    await client.send([messageType.mutation, 1, "wait", {}, "first"]);
    const next = await setup.open({ client: "ann" });
    await sendAgain(next, { store, ageMs: 0 });
    await setup.answer();
    expect([answerOf(next, 2), setup.started]).toEqual(["done", ["first"]]);
  });

  test("is answered with what it came to where its session was lost while the store was asked", async () => {
    const kept = memoryIdempotencyStore({ keepMs });
    let ask: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const slow: IdempotencyStore = {
      name: kept.name,
      claim: (key, again) => asked.then(() => kept.claim(key, again)),
      settle: (key, outcome) => kept.settle(key, outcome),
    };
    const { setup, client, store } = await open(slow, { sessionWindowMs: 0 });
    await client.send([messageType.mutation, 1, "wait", {}, "first"]);
    await client.cut();
    expect(setup.types).toEqual(["opened", "lost"]);
    ask();
    await settled();
    const next = await setup.open({ client: "ann" });
    await sendAgain(next, { store, ageMs: 0 });
    expect(setup.signals.map(({ aborted }) => aborted)).toEqual([false]);
    await setup.answer();
    expect([answerOf(next, 2), setup.started]).toEqual(["done", ["first"]]);
  });

  test("is run where the store says that it has not been", async () => {
    const { setup, client, store } = await open();
    await sendAgain(client, { store, ageMs: keepMs / 2 });
    await setup.answer();
    expect([answerOf(client, 2), setup.started]).toEqual(["done", ["again"]]);
  });

  test("is not run once the store may have forgotten it", async () => {
    const { setup, client, store } = await open();
    await sendAgain(client, { store, ageMs: keepMs / 2 + 1 });
    expect([answerOf(client, 2), setup.started]).toEqual(["OUTCOME_UNKNOWN", []]);
  });

  test("nor where it may have waited for that long in the session: its age is that of when it was written", async () => {
    const { setup, client, store } = await open();
    setup.clock.advance(2_001);
    await sendAgain(client, { store, ageMs: keepMs / 2 - 2_001 });
    await sendAgain(client, { store, ageMs: keepMs / 2 - 2_000, firstId: 2 }, 3);
    expect([answerOf(client, 3), setup.started]).toEqual(["OUTCOME_UNKNOWN", ["again"]]);
  });

  test("nor where the hello was slow, and it with that", async () => {
    const { setup, store } = await open();
    const client = setup.connect();
    setup.clock.advance(2_001);
    await client.send([messageType.hello, 1, { client: "ann" }]);
    await sendAgain(client, { store, ageMs: keepMs / 2 - 2_000 });
    expect([answerOf(client, 2), setup.started]).toEqual(["OUTCOME_UNKNOWN", []]);
  });

  test.each([
    ["another store", { store: "another", ageMs: 0 }],
    ["no store", { ageMs: 0 }],
  ])("is not run where it was sent first to a server with %s", async (_what, fields) => {
    const { setup, client } = await open();
    await sendAgain(client, fields);
    expect([answerOf(client, 2), setup.started]).toEqual(["OUTCOME_UNKNOWN", []]);
  });

  test("is not run where nobody says how old it is", async () => {
    const { setup, client, store } = await open();
    await sendAgain(client, { store });
    expect([answerOf(client, 2), setup.started]).toEqual(["OUTCOME_UNKNOWN", []]);
  });

  test("is not run at a server without a store, nor for a client without a name", async () => {
    const bare = new AcceptorSetup();
    const client = await bare.open({ client: "ann" });
    await sendAgain(client, { store: "any", ageMs: 0 });
    expect([client.welcome?.store, answerOf(client, 2), bare.started]).toEqual([undefined, "OUTCOME_UNKNOWN", []]);
    const { setup, store } = await open();
    const nameless = await setup.open();
    await sendAgain(nameless, { store, ageMs: 0 });
    expect([nameless.welcome?.store, answerOf(nameless, 2), setup.started]).toEqual([undefined, "OUTCOME_UNKNOWN", []]);
  });

  test.each([
    ["client", { client: "bob" }],
    ["identity", { client: "ann", params: { user: "ann" } }],
  ])("is not run for another %s: nobody knows whether it ran for the first", async (_what, hello) => {
    const { setup, store } = await open();
    const other = await setup.open(hello);
    expect(other.welcome?.store).not.toBe(store);
    await sendAgain(other, { store, ageMs: 0 });
    expect([answerOf(other, 2), setup.started]).toEqual(["OUTCOME_UNKNOWN", []]);
  });

  test("is OUTCOME_UNKNOWN, whatever keeps it from being run: it may have been before", async () => {
    const store = new SaidStore();
    const { setup, client, store: told } = await open(store, { maxCalls: 1 });
    store.answer = () => Promise.reject(new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "away" }));
    await client.send([messageType.mutation, 1, "wait", {}, "first"]);
    await sendAgain(client, { store: told, ageMs: 0 });
    expect([answerOf(client, 1), answerOf(client, 2)]).toEqual(["SERVICE_UNAVAILABLE", "OUTCOME_UNKNOWN"]);
    store.answer = () => Promise.resolve(undefined);
    await client.send([messageType.mutation, 3, "wait", {}, "third"], [messageType.mutation, 4, "wait", {}, "fourth"]);
    await sendAgain(client, { store: told, ageMs: 0 }, 5);
    expect([answerOf(client, 4), answerOf(client, 5)]).toEqual(["TOO_MANY_REQUESTS", "OUTCOME_UNKNOWN"]);
    expect(setup.started).toEqual(["third"]);
  });

  test("is OUTCOME_UNKNOWN where what it came to does not fit under its newer id", async () => {
    const maxFrameBytes = 1_000;
    const { setup, client, store } = await open(undefined, { maxFrameBytes });
    await client.send([messageType.mutation, 1, "wait", {}, "first"]);
    const longest = "x".repeat(maxFrameBytes - '[[20,1,""]]'.length);
    await setup.answer(longest);
    await sendAgain(client, { store, ageMs: 0 }, 10);
    expect([answerOf(client, 1), answerOf(client, 10), client.closed]).toEqual([longest, "OUTCOME_UNKNOWN", undefined]);
  });
});

describe("a store that throws", () => {
  test("has its mutation run, and answered, and the error reported", async () => {
    const store = new SaidStore();
    store.settle = () => {
      throw new Error("from the store");
    };
    const reports: string[] = [];
    const { setup, client } = await open(store, {
      onError: ({ error }: { error: Error }) => reports.push(error.message),
    });
    await client.send([messageType.mutation, 1, "wait", {}, "first"]);
    await setup.answer();
    expect([answerOf(client, 1), reports]).toEqual(["done", ["from the store"]]);
  });
});

describe("a client", () => {
  test("is told the same of the store in each welcome to a session", async () => {
    const { setup, client, store } = await open();
    await client.cut();
    const second = await setup.resume(client.welcome?.token, 0);
    expect(second.welcome).toMatchObject({ received: 0, store });
  });

  test("is told nothing of it once it has lost what it knew, whichever welcome has come", async () => {
    const store = new SaidStore();
    const { setup, client } = await open(store);
    await client.cut();
    store.name = "second";
    const second = await setup.resume(client.welcome?.token, 0);
    expect(second.welcome?.received).toBe(0);
    expect(second.welcome).not.toHaveProperty("store");
  });
});
