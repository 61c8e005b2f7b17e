import { expect, test } from "vitest";
import type { NatsLink, OpenConnection } from "./nats-link.ts";
import { SignalChannels } from "./signal-channels.ts";

/** A connection that has closed, of which nobody has heard yet. */
const closed = {
  isClosed: () => true,
  subscribe: () => {
    throw new Error("closed");
  },
  publish: () => {
    throw new Error("closed");
  },
  flush: () => Promise.reject(new Error("closed")),
};

test("who listens over a connection that has just closed waits for the next one", async () => {
  const connection = { nats: closed } as unknown as OpenConnection;
  const link = { connection, settings: { prefix: "t" }, check: () => {}, attach: () => {} } as unknown as NatsLink;
  const channels = new SignalChannels(link);
  const subscribed: string[] = [];
  let listening = 0;
  channels.listen(
    "channel",
    () => {},
    () => {
      listening++;
    },
  );
  channels.signal("channel", "lost");
  await new Promise((resolve) => setImmediate(resolve));
  expect(listening).toBe(0);
  const nats = {
    isClosed: () => false,
    subscribe: (subject: string) => {
      subscribed.push(subject);
      return { unsubscribe: () => {} };
    },
    flush: () => Promise.resolve(),
  };
  const next = { nats } as unknown as OpenConnection;
  Object.assign(link, { connection: next });
  channels.onUp(next);
  await new Promise((resolve) => setImmediate(resolve));
  expect([subscribed.length, listening]).toEqual([1, 1]);
});
