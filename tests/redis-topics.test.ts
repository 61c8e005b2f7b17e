import { createClient, type RouterClient } from "@tautline/client";
import { redisBroker } from "@tautline/redis";
import { createHub, type Hub, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing } from "./fixture/client.ts";
import { hasRedis, RedisServer } from "./fixture/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();

const t = initTRPC.create();

function createRouter(hub: Hub) {
  const news = hub.topic("news", z.number());
  return t.router({
    news: t.procedure.subscription(() => news.subscribe("key")),
    post: t.procedure.input(z.number()).mutation(async ({ input }) => (await news.publish("key", input)).id),
  });
}

type Router = ReturnType<typeof createRouter>;

/** A server with a hub of its own on a Redis that others have too. */
async function startNode(redis: RedisServer): Promise<TcpProxy> {
  const broker = redisBroker(redis.url);
  const hub = createHub({ broker });
  const server = await serve({
    router: createRouter(hub),
    host: "127.0.0.1",
    onError: () => {},
  });
  afterTest(async () => {
    await server.close({ drainMs: 0 });
    await hub.close();
  });
  return await startTcpProxy(server.url);
}

describe.skipIf(!hasRedis)("a topic on Redis (skipped without redis-server)", () => {
  test("is one on all nodes: whoever goes to another misses nothing, and hears nothing twice", async () => {
    const redis = await RedisServer.start();
    afterTest(() => redis.close());
    const [one, other] = [await startNode(redis), await startNode(redis)];
    let at = one;
    const connect = (url: () => string): RouterClient<Router> =>
      closing(createClient<Router>({ url, backoff: { baseMs: 1, maxMs: 10 } }));
    const reader = connect(() => at.url);
    const writer = connect(() => other.url);
    const heard: unknown[] = [];
    let starts = 0;
    reader.news.subscribe(undefined, {
      onStarted: () => void starts++,
      onData: ({ data }) => heard.push(data),
      onGap: () => heard.push("gap"),
      onError: (error) => heard.push(error),
    });
    await until("it stands", () => starts === 1);
    for (let n = 1; n <= 5; n++) await writer.post.mutate(n);
    await until("five are heard", () => heard.length >= 5);
    one.refuse(true);
    one.cut();
    for (let n = 6; n <= 10; n++) await writer.post.mutate(n);
    at = other;
    await until("ten are heard", () => heard.length >= 10);
    await writer.post.mutate(11);
    await until("the last is heard", () => heard.length >= 11);
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(starts).toBe(2);
  });
});
