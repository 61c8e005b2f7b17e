import { initTRPC } from "@trpc/server";
import { expect, test } from "vitest";
import { z } from "zod";
import { AcceptorSetup } from "../testing/acceptor-setup.ts";
import { settled } from "../testing/memory-client.ts";
import { createHub } from "./hub.ts";

test("an error does not overtake an event that still leaves in parts", async () => {
  const hub = createHub();
  const news = hub.topic("news", z.string());
  const t = initTRPC.create();
  const router = t.router({ news: t.procedure.subscription(() => news.subscribe("a")) });
  const setup = new AcceptorSetup({ router });
  const client = await setup.open({ streams: true });
  await client.send([12, 1, "news", {}]);
  // Of 65,536 each: five parts, of which one leaves at once.
  await news.publish("a", "x".repeat(300_000));
  const closed = hub.close();
  for (let turn = 0; turn < 10; turn++) {
    setup.clock.advance(0);
    await settled();
  }
  await closed;
  const types = client.messages.map(([type]) => type).filter((type) => type === 32 || type === 21);
  expect(types).toEqual([32, 32, 32, 32, 32, 21]);
});
