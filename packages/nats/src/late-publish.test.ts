import { FakeClock } from "@tautline/core/testing";
import { describe, expect, test } from "vitest";
import { afterTest, cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { hasNats, NatsServer } from "../../../tests/fixture/nats-server.ts";
import { natsBroker } from "./nats-broker.ts";

describe.skipIf(!hasNats)("a publish that waits for as long as it takes (skipped without nats-server)", () => {
  cleanUpAfterEach();

  test("is not sent again when its id may have been forgotten: nobody knows what became of it", async () => {
    const server = await NatsServer.start();
    afterTest(() => server.close());
    const clock = new FakeClock();
    const broker = natsBroker({ servers: `127.0.0.1:${server.port}`, clock, answerMs: 1_000, heartbeatMs: 600_000 });
    afterTest(() => broker.close());
    const topic = broker.openTopic("topic", { maxEvents: 10, maxAgeMs: 3_600_000, maxBytes: 1_000 });
    const forever = { waitMs: Number.POSITIVE_INFINITY };
    await topic.publish("key", "first", forever);
    await server.pause();
    afterTest(() => server.goOn());
    let outcome: unknown = "waits";
    topic.publish("key", "second", forever).then(
      () => {
        outcome = "stored";
      },
      (error: unknown) => {
        outcome = error;
      },
    );
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second++) {
        await new Promise((resolve) => setImmediate(resolve));
        clock.advance(1_000);
      }
      await new Promise((resolve) => setImmediate(resolve));
    };
    await pass(50);
    expect(outcome).toBe("waits");
    await pass(80);
    expect(outcome).toMatchObject({ code: "OUTCOME_UNKNOWN" });
  });
});
