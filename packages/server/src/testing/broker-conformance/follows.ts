import assert from "node:assert/strict";
import type { Broker, BrokerTopic, Closable, HistoryPage } from "../../broker.ts";
import {
  all,
  type BrokerHarness,
  type BrokerTest,
  eventually,
  hasty,
  numbered,
  patient,
  roomy,
  Witness,
} from "./harness.ts";

/** A follow that stands. */
async function followed(
  harness: BrokerHarness,
  topic: BrokerTopic,
  key: string,
  witness: Witness = new Witness(),
): Promise<Witness & Closable> {
  const follow = topic.follow(key, witness);
  await eventually(harness, "the follow stands", () => witness.started.length > 0);
  return Object.assign(witness, { close: () => follow.close() });
}

async function publishAll(topic: BrokerTopic, key: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) await topic.publish(key, text, patient);
}

/** Waits for so many events, and then for what would be too many. */
async function hears(harness: BrokerHarness, witness: Witness, texts: readonly string[]): Promise<void> {
  await eventually(harness, `${texts.length} events are heard`, () => witness.heard.length >= texts.length);
  await harness.pass(20);
  assert.deepEqual(witness.heard, texts);
}

async function twoNodes(harness: BrokerHarness): Promise<[Broker, Broker]> {
  return [await harness.createBroker(), await harness.createBroker()];
}

export const followTests: readonly BrokerTest[] = [
  {
    name: "tells a follower of each event of its key once and in order, from whichever node, and of no other",
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const here = one.openTopic("topic", roomy);
      const there = other.openTopic("topic", roomy);
      await publishAll(here, "key", ["before"]);
      const witnesses = [await followed(harness, here, "key"), await followed(harness, there, "key")];
      for (const text of numbered("e", 20)) {
        await (text.endsWith("5") ? there : here).publish("key", text, patient);
        await here.publish("another", text, patient);
        await one.openTopic("topic2", roomy).publish("key", text, patient);
      }
      for (const witness of witnesses) {
        await hears(harness, witness, numbered("e", 20));
        assert.equal(witness.started.length, 1);
      }
      assert.deepEqual(witnesses[0]?.events, witnesses[1]?.events);
      assert.deepEqual(witnesses[0]?.events, (await here.history("key", all)).events.slice(1));
    },
  },
  {
    name: "starts a follow at a position that has all it will not hear of before it",
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const topic = one.openTopic("topic", roomy);
      const witness = new Witness();
      const published = numbered("e", 60);
      const publishing = publishAll(other.openTopic("topic", roomy), "key", published);
      await eventually(harness, "some were published", async () => (await topic.history("key", all)).end.offset > 0);
      const follow = topic.follow("key", witness);
      await publishing;
      await eventually(harness, "the follow stands", () => witness.started.length > 0);
      await publishAll(topic, "key", ["last"]);
      await eventually(harness, "the last one is heard", () => witness.texts.includes("last"));
      const page = await topic.history("key", { ...all, after: witness.started[0] });
      assert.deepEqual(witness.events, page.events);
      assert.deepEqual(witness.gaps, []);
      follow.close();
    },
  },
  {
    name: "has in the history what a follower has heard of",
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const topic = one.openTopic("topic", roomy);
      const reads: Promise<HistoryPage>[] = [];
      const witness = await followed(harness, topic, "key", new Witness(() => reads.push(topic.history("key", all))));
      await publishAll(other.openTopic("topic", roomy), "key", numbered("e", 10));
      await hears(harness, witness, numbered("e", 10));
      for (const [index, page] of (await Promise.all(reads)).entries())
        assert.deepEqual(page.events.slice(0, index + 1), witness.events.slice(0, index + 1));
    },
  },
  {
    name: "tells all followers of events in the same order, that of the history, where several nodes publish at once",
    async run(harness) {
      const brokers = [...(await twoNodes(harness)), await harness.createBroker()];
      const topics = brokers.map((broker) => broker.openTopic("topic", roomy));
      const witnesses: Witness[] = [];
      for (const topic of topics) witnesses.push(await followed(harness, topic, "key"));
      const publishes = topics.flatMap((topic, node) =>
        numbered(`e${node}`, 20).map((text) => topic.publish("key", text, patient)),
      );
      await Promise.all(publishes);
      for (const witness of witnesses)
        await eventually(harness, "all are heard", () => witness.events.length === publishes.length);
      const events = (await topics[0]?.history("key", all))?.events;
      assert.equal(new Set(events?.map(({ text }) => text)).size, publishes.length);
      for (const witness of witnesses) assert.deepEqual(witness.events, events);
    },
  },
  {
    name: "lets a follower publish on hearing of an event, and tells all of both in order",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const published: Promise<unknown>[] = [];
      const answering = new Witness((text) => {
        if (text === "question") published.push(topic.publish("key", "answer", patient));
      });
      await followed(harness, topic, "key", answering);
      const witness = await followed(harness, topic, "key");
      await topic.publish("key", "question", patient);
      await hears(harness, witness, ["question", "answer"]);
      await hears(harness, answering, ["question", "answer"]);
      await Promise.all(published);
    },
  },
  {
    name: "carries events of which it keeps none",
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const limits = { ...roomy, maxEvents: 0 };
      const witness = await followed(harness, one.openTopic("topic", limits), "key");
      await publishAll(other.openTopic("topic", limits), "key", numbered("e", 5));
      await hears(harness, witness, numbered("e", 5));
    },
  },
  {
    name: "tells nothing to whoever has closed its follow, also before it stood, and twice",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const closed = await followed(harness, topic, "key");
      closed.close();
      closed.close();
      const never = new Witness();
      topic.follow("key", never).close();
      const open = await followed(harness, topic, "key");
      await publishAll(topic, "key", ["e1"]);
      await hears(harness, open, ["e1"]);
      assert.deepEqual([closed.heard, never.heard], [[], []]);
    },
  },
  {
    name: "has nothing left of follows that were closed",
    needs: ["entries"],
    async run(harness) {
      const broker = await harness.createBroker();
      const topic = broker.openTopic("topic", roomy);
      const others = await followed(harness, topic, "another");
      const before = await harness.entries?.();
      for (let round = 0; round < 20; round++) {
        const follows = numbered("key", 50).map((key) => topic.follow(key, new Witness()));
        if (round % 2 === 0) await harness.pass(5);
        for (const follow of follows) follow.close();
      }
      await eventually(harness, "nothing is left", async () => (await harness.entries?.()) === before);
      await publishAll(topic, "another", ["e1"]);
      await hears(harness, others, ["e1"]);
    },
  },
  {
    name: "tells a follower of a gap where it was flushed, and goes on after it",
    needs: ["flush"],
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const topic = other.openTopic("topic", roomy);
      const witness = await followed(harness, one.openTopic("topic", roomy), "key");
      await publishAll(topic, "key", ["e1"]);
      await eventually(harness, "the first is heard", () => witness.heard.length === 1);
      await harness.flush?.();
      await publishAll(topic, "key", ["e2", "e3"]);
      await hears(harness, witness, ["e1", "gap", "e2", "e3"]);
      const [gap] = witness.gaps;
      assert.deepEqual(gap?.from, witness.events[0]?.position);
      assert.equal(gap?.to.epoch, witness.events[1]?.position.epoch);
      assert.notEqual(gap?.to.epoch, gap?.from.epoch);
    },
  },
  {
    name: "lets publishes fail at once while it is away, or wait for it, and has each once then",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const topic = one.openTopic("topic", roomy);
      const there = other.openTopic("topic", roomy);
      const witness = await followed(harness, there, "key");
      await topic.publish("key", "e1", patient);
      await harness.cut?.(one);
      await assert.rejects(topic.publish("key", "lost", hasty), { code: "SERVICE_UNAVAILABLE" });
      await assert.rejects(topic.history("key", all), { code: "SERVICE_UNAVAILABLE" });
      const waiting = numbered("w", 5).map((text) => topic.publish("key", text, patient));
      const short = assert.rejects(topic.publish("key", "lost", { waitMs: 50 }), { code: "SERVICE_UNAVAILABLE" });
      await harness.pass(60);
      await short;
      await harness.restore?.(one);
      await eventually(harness, "all are heard", () => witness.events.length >= 6);
      await Promise.all(waiting);
      await hears(harness, witness, ["e1", ...numbered("w", 5)]);
    },
  },
  {
    name: "tells a follower of what it has missed while its broker was away, once and in order",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const there = other.openTopic("topic", roomy);
      const witness = await followed(harness, one.openTopic("topic", roomy), "key");
      await publishAll(there, "key", ["e1", "e2"]);
      await eventually(harness, "two are heard", () => witness.events.length === 2);
      for (const round of ["a", "b"]) {
        await harness.cut?.(one);
        await publishAll(there, "key", numbered(round, 300));
        const publishing = publishAll(there, "key", numbered(`${round}live`, 20));
        await harness.restore?.(one);
        await publishing;
        await eventually(harness, "the last is heard", () => witness.texts.includes(`${round}live20`));
      }
      const rounds = ["a", "b"].flatMap((round) => [...numbered(round, 300), ...numbered(`${round}live`, 20)]);
      await hears(harness, witness, ["e1", "e2", ...rounds]);
      assert.equal(witness.started.length, 1);
    },
  },
  {
    name: "tells a follower of a gap where what it has missed is no longer kept, and of all that is",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const limits = { ...roomy, maxEvents: 5 };
      const there = other.openTopic("topic", limits);
      const witness = await followed(harness, one.openTopic("topic", limits), "key");
      await publishAll(there, "key", ["e1"]);
      await eventually(harness, "the first is heard", () => witness.events.length === 1);
      await harness.cut?.(one);
      const missed = numbered("m", 600);
      await publishAll(there, "key", missed);
      await harness.restore?.(one);
      await eventually(harness, "the last is heard", () => witness.texts.includes("m600"));
      await publishAll(there, "key", ["e2"]);
      await eventually(harness, "the next is heard", () => witness.texts.includes("e2"));
      const rest = witness.heard.slice(2, -1);
      assert.deepEqual(witness.heard, ["e1", "gap", ...missed.slice(-rest.length), "e2"]);
      assert.ok(rest.length >= 5);
      assert.deepEqual(witness.gaps[0]?.from, witness.events[0]?.position);
    },
  },
  {
    name: "starts a follow that was begun while it was away when it is back",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const topic = one.openTopic("topic", roomy);
      await harness.cut?.(one);
      const witness = new Witness();
      topic.follow("key", witness);
      const closed = new Witness();
      topic.follow("key", closed).close();
      await publishAll(other.openTopic("topic", roomy), "key", ["e1"]);
      assert.deepEqual(witness.started, []);
      await harness.restore?.(one);
      await eventually(harness, "the follow stands", () => witness.started.length > 0);
      await publishAll(topic, "key", ["e2"]);
      await eventually(harness, "it is heard", () => witness.texts.includes("e2"));
      const page = await topic.history("key", { ...all, after: witness.started[0] });
      assert.deepEqual(witness.events, page.events);
      assert.deepEqual([closed.started, closed.heard], [[], []]);
    },
  },
  {
    name: "is closed for good: follows hear nothing more, calls are refused, and other nodes go on",
    async run(harness) {
      const [one, other] = await twoNodes(harness);
      const topic = one.openTopic("topic", roomy);
      const there = other.openTopic("topic", roomy);
      const witness = await followed(harness, topic, "key");
      const stays = await followed(harness, there, "key");
      await one.close();
      await one.close();
      await publishAll(there, "key", ["e1"]);
      await hears(harness, stays, ["e1"]);
      assert.deepEqual(witness.heard, []);
      const closed = { code: "CONNECTION_CLOSED" };
      await assert.rejects(topic.publish("key", "e2", patient), closed);
      await assert.rejects(topic.history("key", all), closed);
      await assert.rejects(one.members("group"), closed);
      await assert.rejects(one.lease("group", new Map([["a", ""]]), 1_000), closed);
      assert.throws(() => topic.follow("key", witness), closed);
      assert.throws(() => one.listen("channel", () => {}), closed);
      assert.throws(() => one.signal("channel", "text"), closed);
    },
  },
];
