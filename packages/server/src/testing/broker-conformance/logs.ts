import assert from "node:assert/strict";
import type { BrokerTopic, HistoryPage, HistoryQuery, Position } from "../../broker.ts";
import { all, type BrokerTest, eventually, numbered, patient, roomy } from "./harness.ts";

/** Keys that a backend's own language could take for something else. */
const oddKeys = [
  "a.b",
  "a b",
  "*",
  ">",
  "{a}",
  "a:b",
  "é",
  "日本",
  "a\nb",
  "a\u0000b",
  "",
  "k".repeat(512),
  "日".repeat(512),
  "__proto__",
  "a",
  "A",
];
const oddTexts = ['{"a":"é日本🎉"}', "", " \n\u0000\r\n", '"'.repeat(1_000), "x".repeat(300_000)];

async function publishAll(topic: BrokerTopic, key: string, texts: readonly string[]): Promise<Position[]> {
  const positions: Position[] = [];
  for (const text of texts) positions.push(await topic.publish(key, text, patient));
  return positions;
}

function textsOf(page: HistoryPage): string[] {
  return page.events.map(({ text }) => text);
}

/** The texts after a position in pages of a size; `gap` where one was told. */
async function readOn(topic: BrokerTopic, key: string, after: Position, limit: number): Promise<string[]> {
  const read: string[] = [];
  for (let from = after; ; ) {
    const page = await topic.history(key, { ...all, after: from, limit });
    if (page.gap !== undefined) read.push("gap");
    if (page.events.length === 0) return read;
    assert.ok(page.events.length <= limit);
    read.push(...textsOf(page));
    from = page.end;
  }
}

/**
 * What was read after a position is the rest of what was published, or a gap and the newest of the rest; so many at least are kept.
 */
function assertRest(page: HistoryPage, published: readonly string[], after: number, kept: number): void {
  const texts = textsOf(page);
  const rest = published.slice(after);
  assert.deepEqual(texts, rest.slice(rest.length - texts.length));
  assert.ok(texts.length >= Math.min(kept, rest.length), `only ${texts.length} are there`);
  assert.equal(page.gap !== undefined, texts.length < rest.length, "a gap exactly where something is missing");
}

export const logTests: readonly BrokerTest[] = [
  {
    name: "gives each event of a key a position of one epoch, further than the one before",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const positions = await publishAll(topic, "key", numbered("e", 5));
      for (const [index, { epoch, offset }] of positions.entries()) {
        assert.match(epoch, /^[\w-]{1,64}$/);
        assert.equal(epoch, positions[0]?.epoch);
        assert.ok(Number.isSafeInteger(offset) && offset > (positions[index - 1]?.offset ?? 0));
      }
      assert.deepEqual(
        (await topic.history("key", all)).events.map(({ position }) => position),
        positions,
      );
    },
  },
  {
    name: "reads the newest events of a key, oldest first, from every node",
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      await publishAll(one.openTopic("topic", roomy), "key", numbered("e", 5));
      const page = await other.openTopic("topic", roomy).history("key", { ...all, limit: 3 });
      assert.deepEqual(textsOf(page), ["e3", "e4", "e5"]);
      assert.equal(page.gap, undefined);
    },
  },
  {
    name: "reads on after a position in pages, to the end, without a gap",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const positions = await publishAll(topic, "key", numbered("e", 7));
      for (const [index, position] of positions.entries())
        assert.deepEqual(await readOn(topic, "key", position, 2), numbered("e", 7).slice(index + 1));
      const { end } = await topic.history("key", all);
      assert.deepEqual(await readOn(topic, "key", end, 2), []);
    },
  },
  {
    name: "reads back before a position, newest first to be had",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const positions = await publishAll(topic, "key", numbered("e", 5));
      const before = async (query: Partial<HistoryQuery>): Promise<string[]> =>
        textsOf(await topic.history("key", { ...all, ...query }));
      assert.deepEqual(await before({ before: positions[3], limit: 2 }), ["e2", "e3"]);
      assert.deepEqual(await before({ before: positions[0] }), []);
      assert.deepEqual(await before({ after: positions[0], before: positions[4] }), ["e2", "e3", "e4"]);
      assert.deepEqual(await before({ after: positions[0], before: positions[4], limit: 2 }), ["e2", "e3"]);
      assert.deepEqual(await before({ before: { epoch: "another", offset: 3 } }), []);
    },
  },
  {
    name: "ends a page before the event that would make it too long, but for the first",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const [first] = await publishAll(topic, "key", ["first", "é".repeat(60), "b".repeat(100), "c".repeat(300), "d"]);
      const lengths = async (query: Partial<HistoryQuery>): Promise<number[]> =>
        textsOf(await topic.history("key", { ...all, ...query })).map(({ length }) => length);
      assert.deepEqual(await lengths({ after: first, maxBytes: 220 }), [60, 100]);
      assert.deepEqual(await lengths({ after: first, maxBytes: 219 }), [60]);
      assert.deepEqual(await lengths({ after: first, maxBytes: 1 }), [60]);
      assert.deepEqual(await lengths({ maxBytes: 301 }), [300, 1]);
    },
  },
  {
    name: "tells a position before the first event of a key from which everything is read",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const { end, events, gap } = await topic.history("new", all);
      assert.deepEqual([events, gap], [[], undefined]);
      await publishAll(topic, "another", ["x", "y"]);
      await publishAll(topic, "new", numbered("e", 3));
      assert.deepEqual(await readOn(topic, "new", end, 2), ["e1", "e2", "e3"]);
    },
  },
  {
    name: "keeps keys and topics apart, whatever they are spelt like",
    async run(harness) {
      const broker = await harness.createBroker();
      const names = ["topic", "topic.a", "Topic", "to pic", "*"];
      const topics = names.map((name) => [name, broker.openTopic(name, roomy)] as const);
      for (const [name, topic] of topics)
        for (const key of oddKeys) await topic.publish(key, `${name} ${key}`, patient);
      for (const [name, topic] of topics)
        for (const key of oddKeys) assert.deepEqual(textsOf(await topic.history(key, all)), [`${name} ${key}`]);
    },
  },
  {
    name: "gives texts back as they were",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      await publishAll(topic, "key", oddTexts);
      assert.deepEqual(textsOf(await topic.history("key", all)), oddTexts);
    },
  },
  {
    name: "keeps the newest events of each key where there are too many, and tells of the others exactly where they are missing",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", { ...roomy, maxEvents: 3 });
      await topic.publish("other", "stays", patient);
      const published = numbered("e", 1_000);
      const { end } = await topic.history("key", all);
      const positions = [end, ...(await publishAll(topic, "key", published))];
      for (const after of [0, 1, 500, 996, 997, 999, 1_000])
        assertRest(await topic.history("key", { ...all, after: positions[after] }), published, after, 3);
      const kept = textsOf(await topic.history("key", all)).length;
      assert.ok(kept >= 3 && kept <= 3 + 256, `${kept} are kept`);
      assert.deepEqual(textsOf(await topic.history("other", all)), ["stays"]);
    },
  },
  {
    name: "keeps the newest events of each key where they are too long together",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", { ...roomy, maxBytes: 100_000 });
      const published = numbered("e", 60).map((text) => text.padEnd(10_000));
      const positions = await publishAll(topic, "key", published);
      for (const after of [1, 30, 55, 59, 60])
        assertRest(await topic.history("key", { ...all, after: positions[after - 1] }), published, after, 9);
      const kept = textsOf(await topic.history("key", all)).length;
      assert.ok(kept <= 40, `${kept} are kept`);
    },
  },
  {
    name: "forgets events when their time is over, and tells of those that somebody has not seen",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", { ...roomy, maxAgeMs: 400 });
      const [first] = await publishAll(topic, "key", ["e1", "e2"]);
      assert.deepEqual(await readOn(topic, "key", first as Position, 10), ["e2"]);
      await eventually(
        harness,
        "both are forgotten",
        async () => (await topic.history("key", all)).events.length === 0,
      );
      assert.deepEqual(await readOn(topic, "key", first as Position, 10), ["gap"]);
      const third = await topic.publish("key", "e3", patient);
      assert.deepEqual(await readOn(topic, "key", first as Position, 10), ["gap", "e3"]);
      assert.deepEqual(await readOn(topic, "key", third, 10), []);
    },
  },
  {
    name: "keeps nothing where it is to keep nothing, and says so",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", { ...roomy, maxEvents: 0 });
      const positions = await publishAll(topic, "key", ["e1", "e2"]);
      assert.deepEqual(textsOf(await topic.history("key", all)), []);
      assert.deepEqual(await readOn(topic, "key", positions[0] as Position, 10), ["gap"]);
      assert.deepEqual(await readOn(topic, "key", positions[1] as Position, 10), []);
    },
  },
  {
    name: "takes a position of another epoch, or one that is yet to come, for a gap before all that there is",
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const [{ epoch, offset } = { epoch: "", offset: 0 }] = await publishAll(topic, "key", ["e1", "e2"]);
      for (const after of [
        { epoch: "another", offset },
        { epoch, offset: offset + 1_000_000_000 },
        { epoch, offset: Number.MAX_SAFE_INTEGER },
      ]) {
        const page = await topic.history("key", { ...all, after });
        assert.deepEqual(textsOf(page), ["e1", "e2"]);
        assert.deepEqual(page.gap?.from, after);
        assert.equal(page.gap?.to.epoch, epoch);
        assert.ok((page.gap?.to.offset ?? offset) < offset);
      }
    },
  },
  {
    name: "stores an id once for a key, from whichever node, and gives the position of the first",
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      const here = one.openTopic("topic", roomy);
      const there = other.openTopic("topic", roomy);
      const first = await here.publish("key", "e1", { ...patient, id: "a" });
      await here.publish("key", "e2", { ...patient, id: "b" });
      assert.deepEqual(await there.publish("key", "again", { ...patient, id: "a" }), first);
      assert.deepEqual(await here.publish("key", "again", { ...patient, id: "a" }), first);
      await here.publish("key2", "e1", { ...patient, id: "a" });
      await one.openTopic("topic2", roomy).publish("key", "e1", { ...patient, id: "a" });
      assert.deepEqual(textsOf(await here.history("key", all)), ["e1", "e2"]);
      assert.deepEqual(textsOf(await here.history("key2", all)), ["e1"]);
    },
  },
  {
    name: "notices that it was flushed: positions from before are gaps, and what comes after them has another epoch",
    needs: ["flush"],
    async run(harness) {
      const topic = (await harness.createBroker()).openTopic("topic", roomy);
      const [first, second] = await publishAll(topic, "key", ["e1", "e2"]);
      const { end: unused } = await topic.history("unused", all);
      await harness.flush?.();
      assert.deepEqual(await readOn(topic, "key", second as Position, 10), ["gap"]);
      const third = await topic.publish("key", "e3", patient);
      assert.notEqual(third.epoch, second?.epoch);
      assert.deepEqual(await readOn(topic, "key", first as Position, 10), ["gap", "e3"]);
      assert.deepEqual(await readOn(topic, "unused", unused, 10), ["gap"]);
      assert.deepEqual(await readOn(topic, "key", third, 10), []);
    },
  },
];
