import { FakeClock } from "@tautline/core/testing";
import { describe, expect, test, vi } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { hasRedis, RedisServer } from "../../../tests/fixture/redis-server.ts";
import { startTcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { redisBroker } from "./redis-broker.ts";

describe.skipIf(!hasRedis)("a publish that waits for as long as it takes (skipped without redis-server)", () => {
  cleanUpAfterEach();

  test("is not sent again when its id may have been forgotten: nobody knows what became of it", async () => {
    const server = await RedisServer.start();
    afterTest(() => server.close());
    const way = await startTcpProxy(server.url);
    const clock = new FakeClock();
    const broker = redisBroker(way.url, { clock, random: () => 0 });
    afterTest(() => broker.close());
    const topic = broker.openTopic("topic", { maxEvents: 10, maxAgeMs: 3_600_000, maxBytes: 1_000 });
    const forever = { waitMs: Number.POSITIVE_INFINITY };
    await topic.publish("key", "first", forever);
    await server.pause();
    let outcome: unknown = "waits";
    topic.publish("key", "second", { ...forever, id: "2" }).then(
      () => {
        outcome = "stored";
      },
      (error: unknown) => {
        outcome = error;
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    way.cut();
    await vi.waitFor(() => expect(clock.timers).toBeGreaterThan(0));
    for (let second = 0; second < 50; second++) {
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(outcome).toBe("waits");
    for (let second = 0; second < 80; second++) {
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(outcome).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    server.goOn();
  });
});
