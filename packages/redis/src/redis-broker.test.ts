import type { Broker } from "@tautline/server";
import { type BrokerHarness, brokerConformance } from "@tautline/server/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanUpAfterEach, until } from "../../../tests/fixture/cleanup.ts";
import { startTcpProxy, type TcpProxy } from "../../../tests/fixture/tcp-proxy.ts";
import { hasRedis, RedisServer } from "../testing/redis-server.ts";
import { redisBroker } from "./redis-broker.ts";

/** Nodes that share a server, each by a way of its own. */
class RedisHarness implements BrokerHarness {
  readonly #server: RedisServer;
  readonly #ways = new Map<Broker, TcpProxy>();

  constructor(server: RedisServer) {
    this.#server = server;
  }

  async createBroker(): Promise<Broker> {
    const way = await startTcpProxy(this.#server.url);
    const broker = redisBroker(way.url, { backoff: { baseMs: 5, maxMs: 20 } });
    this.#ways.set(broker, way);
    await this.#whenThere(broker);
    return broker;
  }

  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  async cut(broker: Broker): Promise<void> {
    this.#ways.get(broker)?.refuse(true);
    this.#ways.get(broker)?.cut();
    for (;;) {
      try {
        await broker.members("");
      } catch {
        return;
      }
    }
  }

  async restore(broker: Broker): Promise<void> {
    this.#ways.get(broker)?.refuse(false);
  }

  async flush(): Promise<void> {
    await this.#server.client.flushall();
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

  async #whenThere(broker: Broker): Promise<void> {
    await broker
      .openTopic("is it there?", { maxEvents: 0, maxAgeMs: 1, maxBytes: 0 })
      .publish("", "", { waitMs: 10_000 });
    await this.#server.client.flushall();
  }
}

describe.skipIf(!hasRedis)("a Redis broker", () => {
  cleanUpAfterEach();
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server?.close());

  for (const { name, run } of brokerConformance) {
    test(name, async () => {
      await server.client.flushall();
      const harness = new RedisHarness(server);
      try {
        await run(harness);
      } finally {
        await harness.close();
      }
      await until("nobody is connected", () => true);
      expect(await server.client.pubsub("CHANNELS")).toEqual([]);
    });
  }
});
