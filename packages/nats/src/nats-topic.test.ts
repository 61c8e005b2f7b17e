import { SeededRandom } from "@tautline/core/testing";
import type { Broker, BrokerTopic, HistoryLimits, HistoryQuery } from "@tautline/server";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { rejection } from "../../../tests/fixture/client.ts";
import { hasNats, NatsServer } from "../../../tests/fixture/nats-server.ts";
import { startTcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { natsBroker } from "./nats-broker.ts";
import type { NatsBrokerOptions } from "./options.ts";

const roomy: HistoryLimits = { maxEvents: 100_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 * 1024 };
const all: HistoryQuery = { limit: 100_000, maxBytes: Number.POSITIVE_INFINITY };
const patient = { waitMs: 10_000 };

describe.skipIf(!hasNats)("a topic in NATS (skipped without nats-server)", () => {
  cleanUpAfterEach();
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.close());
  beforeEach(() => server.flush());

  function createBroker(options: NatsBrokerOptions = {}): Broker {
    const broker = natsBroker({ servers: server.url, answerMs: 500, backoff: { baseMs: 5, maxMs: 20 }, ...options });
    afterTest(() => broker.close());
    return broker;
  }

  async function publishAll(topic: BrokerTopic, key: string, from: number, to: number): Promise<void> {
    const numbers = Array.from({ length: to - from }, (_, index) => from + index);
    await Promise.all(numbers.map((number) => topic.publish(key, `${number}`, patient)));
  }

  async function texts(topic: BrokerTopic, query: HistoryQuery): Promise<number[]> {
    return (await topic.history("key", query)).events.map(({ text }) => Number(text));
  }

  test("finds the newest events of a long log, wherever they are among others, and reads on backwards from there", async () => {
    const topic = createBroker().openTopic("topic", roomy);
    // Nothing of it, then all of it, then little, then all again.
    await publishAll(topic, "another", 0, 2_000);
    await publishAll(topic, "key", 0, 1_500);
    for (let round = 0; round < 10; round++) {
      await publishAll(topic, "another", 0, 200);
      await publishAll(topic, "key", 1_500 + round, 1_501 + round);
    }
    await publishAll(topic, "key", 1_510, 2_000);
    await publishAll(topic, "another", 0, 2_000);
    const read: number[] = [];
    let before: HistoryQuery["before"];
    for (let limit = 1; read.length < 2_000; limit = Math.min(limit * 3, 400)) {
      const { events } = await topic.history("key", { ...all, limit, before });
      expect(events).toHaveLength(Math.min(limit, 2_000 - read.length));
      read.unshift(...events.map(({ text }) => Number(text)));
      before = events[0]?.position;
    }
    expect(read).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
    expect(await texts(topic, { ...all, before })).toEqual([]);
  });

  test("lets go of what is too long together, so that a log is not much longer than it may be", async () => {
    const maxBytes = 10_000;
    const random = new SeededRandom(1).next;
    const topic = createBroker({ random }).openTopic("topic", { ...roomy, maxBytes });
    const [first] = [await topic.publish("key", "0".padEnd(100), patient)];
    for (let number = 1; number < 1_000; number++) await topic.publish("key", `${number}`.padEnd(100), patient);
    await vi.waitFor(async () => {
      const { length } = await texts(topic, all);
      expect(length).toBeGreaterThanOrEqual(100);
      expect(length).toBeLessThan(250);
    });
    const { gap, events } = await topic.history("key", { ...all, after: first });
    expect(gap?.from).toEqual(first);
    expect(gap?.to.offset).toBe((events[0]?.position.offset ?? 0) - 1);
    expect((await topic.history("key", { ...all, after: gap?.to })).gap).toBeUndefined();
  });

  test("refuses what NATS would not take, and loses nothing else for it", async () => {
    const topic = createBroker().openTopic("topic", roomy);
    await topic.publish("key", "1", patient);
    await expect(topic.publish("key", "x".repeat(1024 * 1024), patient)).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
    });
    await topic.publish("key", "2", patient);
    expect(await texts(topic, all)).toEqual([1, 2]);
  });

  test("refuses what is too much to wait", async () => {
    const topic = createBroker({ servers: "127.0.0.1:1", maxWaiting: 2, maxWaitingBytes: 10 }).openTopic(
      "topic",
      roomy,
    );
    const away = { code: "SERVICE_UNAVAILABLE" };
    const long = rejection(topic.publish("key", "12345", { waitMs: 300 }));
    const begun = performance.now();
    await expect(topic.publish("key", "123456", { waitMs: 20_000 })).rejects.toMatchObject(away);
    const short = rejection(topic.publish("key", "1", { waitMs: 300 }));
    await expect(topic.publish("key", "1", { waitMs: 20_000 })).rejects.toMatchObject(away);
    expect(performance.now() - begun).toBeLessThan(300);
    expect(await Promise.all([long, short])).toMatchObject([away, away]);
  });

  test("does not know whether it stored what it did not answer", async () => {
    const way = await startTcpProxy(server.url);
    const topic = createBroker({ servers: `127.0.0.1:${way.port}`, answerMs: 200 }).openTopic("topic", roomy);
    await topic.publish("key", "1", patient);
    await server.pause();
    const unknown = rejection(topic.publish("key", "2", { waitMs: 0 }));
    const waits = topic.publish("key", "3", patient);
    expect(await unknown).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    server.goOn();
    await waits;
    expect(await texts(topic, all)).toEqual([1, 2, 3]);
  });

  test("keeps to other limits when a node is started with them", async () => {
    const topic = createBroker().openTopic("topic", { ...roomy, maxEvents: 100 });
    await publishAll(topic, "key", 0, 50);
    const stricter = createBroker().openTopic("topic", { ...roomy, maxEvents: 10 });
    await stricter.publish("key", "50", patient);
    const { events } = await stricter.history("key", { ...all, after: { epoch: "another", offset: 0 } });
    expect(events.map(({ text }) => Number(text))).toEqual([41, 42, 43, 44, 45, 46, 47, 48, 49, 50]);
  });

  test("says so where another stream takes its subjects", async () => {
    await server.manage((manager) => manager.streams.add({ name: "other", subjects: ["tautline.topic.e.*"] }));
    const topic = createBroker().openTopic("topic", roomy);
    await expect(topic.publish("key", "1", { waitMs: 300 })).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await expect(topic.history("key", all)).rejects.toMatchObject({
      cause: { message: "other streams take tautline.topic.>" },
    });
  });

  test("refuses a prefix that would be more than one token", () => {
    for (const prefix of ["", "a.b", "*", "a b"]) expect(() => natsBroker({ prefix })).toThrow(TypeError);
  });

  test("refuses a prefix whose topics would be what is said of another's: chat-live, beside chat", () => {
    for (const kind of ["live", "signal", "lease", "mutation"])
      expect(() => natsBroker({ prefix: `chat-${kind}` })).toThrow(TypeError);
  });
});
