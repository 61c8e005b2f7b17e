import type { Broker } from "@tautline/server";
import { type BrokerHarness, brokerConformance } from "@tautline/server/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { cleanUpAfterEach } from "../../../tests/fixture/cleanup.ts";
import { startTcpProxy, type TcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { hasNats, NatsServer } from "../testing/nats-server.ts";
import { natsBroker } from "./nats-broker.ts";

/** Nodes that share a server, each by a way of its own. */
class NatsHarness implements BrokerHarness {
  readonly #server: NatsServer;
  readonly #ways = new Map<Broker, TcpProxy>();

  constructor(server: NatsServer) {
    this.#server = server;
  }

  async createBroker(): Promise<Broker> {
    const way = await startTcpProxy(this.#server.url);
    const broker = natsBroker({ servers: `127.0.0.1:${way.port}`, backoff: { baseMs: 5, maxMs: 20 } });
    this.#ways.set(broker, way);
    await this.#until(broker, "there");
    // The streams for these lengths of life stay.
    for (const ttlMs of [100, 1_000, 60_000]) await broker.lease("", new Map([["", ""]]), ttlMs);
    await broker.release("", [""]);
    return broker;
  }

  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  async cut(broker: Broker): Promise<void> {
    this.#ways.get(broker)?.refuse(true);
    this.#ways.get(broker)?.cut();
    await this.#until(broker, "away");
  }

  async restore(broker: Broker): Promise<void> {
    this.#ways.get(broker)?.refuse(false);
  }

  async flush(): Promise<void> {
    await this.#server.flush();
  }

  async entries(): Promise<number> {
    return await this.#server.entries();
  }

  async close(): Promise<void> {
    for (const [broker, way] of this.#ways) {
      await broker.close();
      await way.close();
    }
  }

  async #until(broker: Broker, state: "there" | "away"): Promise<void> {
    for (;;) {
      const is = await broker.members("").then(
        () => "there",
        () => "away",
      );
      if (is === state) return;
      await this.pass(1);
    }
  }
}

describe.skipIf(!hasNats)("a NATS broker", () => {
  cleanUpAfterEach();
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.close());

  for (const { name, run } of brokerConformance) {
    test(name, async () => {
      await server.flush();
      const harness = new NatsHarness(server);
      try {
        await run(harness);
      } finally {
        await harness.close();
      }
      await vi.waitFor(async () => expect(await server.consumers()).toBe(0));
    });
  }
});
