import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { hasNats, NatsServer } from "../../../tests/fixture/nats-server.ts";
import { natsBroker } from "./nats-broker.ts";

describe.skipIf(!hasNats)("a node with many members (skipped without nats-server)", () => {
  cleanUpAfterEach();
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.close());

  test("leases all of them in one beat, and has events published meanwhile", async () => {
    const broker = natsBroker({ servers: `127.0.0.1:${server.port}`, maxWaiting: 100 });
    afterTest(() => broker.close());
    const topic = broker.openTopic("topic", { maxEvents: 10, maxAgeMs: 3_600_000, maxBytes: 1_000 });
    await topic.publish("key", "first", { waitMs: 10_000 });
    const members = new Map(Array.from({ length: 300 }, (_, index) => [`member ${index}`, ""]));
    const leasing = broker.lease("group", members, 60_000);
    leasing.catch(() => {});
    await topic.publish("key", "second", { waitMs: 10_000 });
    await leasing;
    expect((await broker.members("group")).size).toBe(300);
  });
});
