import type { Broker } from "@tautline/server";
import { brokerConformance } from "@tautline/server/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { hasNats, NatsServer } from "../../../tests/fixture/nats-server.ts";
import { runWithProxies } from "../../../tests/fixture/proxied-brokers.ts";
import { natsBroker } from "./nats-broker.ts";

const maker = {
  create: (port: number): Broker => natsBroker({ servers: `127.0.0.1:${port}`, backoff: { baseMs: 5, maxMs: 20 } }),
  async prepare(broker: Broker): Promise<void> {
    // The streams for these lengths of life stay.
    for (const ttlMs of [100, 1_000, 60_000]) await broker.lease("", new Map([["", ""]]), ttlMs);
    await broker.release("", [""]);
  },
};

describe.skipIf(!hasNats)("a NATS broker", () => {
  cleanUpAfterEach();
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.close());

  for (const conformance of brokerConformance) {
    test(conformance.name, async () => {
      await runWithProxies(conformance, server, maker);
      await vi.waitFor(async () => expect(await server.consumers()).toBe(0));
    });
  }
});
