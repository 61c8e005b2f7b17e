import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { hasNats, NatsServer } from "../../../tests/fixture/nats-server.ts";
import { natsBroker } from "./nats-broker.ts";

describe.skipIf(!hasNats)("a log on NATS (skipped without nats-server)", () => {
  cleanUpAfterEach();
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.close());

  test("is read, with a gap, while all of it is cut off again and again", async () => {
    const broker = natsBroker({ servers: `127.0.0.1:${server.port}`, answerMs: 3_000 });
    afterTest(() => broker.close());
    const topic = broker.openTopic("topic", { maxEvents: 1_000, maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 0 });
    const patient = { waitMs: 10_000 };
    await topic.publish("key", "first", patient);
    const query = { after: { epoch: "none", offset: 0 }, limit: 100, maxBytes: Number.POSITIVE_INFINITY };
    for (let round = 0; round < 40; round++) {
      const publishing = Promise.all(
        Array.from({ length: 30 }, (_, index) => topic.publish("key", "x".repeat(100) + index, patient)),
      );
      const pages = await Promise.all([1, 2, 3].map(() => topic.history("key", query)));
      for (const { gap } of pages) expect(gap).toBeDefined();
      await publishing;
    }
  });

  test("may have limits that are no whole numbers", async () => {
    const broker = natsBroker({ servers: `127.0.0.1:${server.port}` });
    afterTest(() => broker.close());
    const topic = broker.openTopic("fractions", { maxEvents: 2.5, maxAgeMs: 200_000.1234567, maxBytes: 100.5 });
    for (let n = 0; n < 6; n++) await topic.publish("key", `event ${n}`, { waitMs: 1_000 });
    const { events } = await topic.history("key", { limit: 2, maxBytes: 1_000 });
    expect(events.map(({ text }) => text)).toEqual(["event 4", "event 5"]);
  });
});
