import { natsBroker } from "@tautline/nats";
import { createHub } from "@tautline/server";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { afterTest, cleanUpAfterEach } from "../fixture/cleanup.ts";
import { hasNats, NatsServer } from "../fixture/nats-server.ts";

describe.skipIf(!hasNats)("on NATS (skipped without nats-server)", () => {
  cleanUpAfterEach();
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.close());

  test("the longest key and member are taken, and a longer member does not cost the node its connection", async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const hub = createHub({ broker: natsBroker({ servers: `127.0.0.1:${server.port}`, onError }) });
    afterTest(() => hub.close());
    const rooms = hub.topic("rooms", z.number());
    const key = "鍵".repeat(512);
    await rooms.publish(key, 1);
    const longest = { id: "名".repeat(256) };
    const shown = rooms.subscribe(key, { as: longest })[Symbol.asyncIterator]();
    await vi.waitFor(async () => expect(await rooms.presence(key).members()).toEqual([longest]));
    const tooLong = rooms.subscribe(key, { as: { id: "x".repeat(5_000) } })[Symbol.asyncIterator]();
    const refused = tooLong.next().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await rooms.publish(key, 2);
    expect(errors).toEqual([]);
    expect(await refused).toMatchObject({ code: "BAD_REQUEST" });
    await shown.return?.();
  });
});
