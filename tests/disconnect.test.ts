import { createClient } from "@tautline/client";
import { TautlineError } from "@tautline/core";
import { MemoryNetwork } from "@tautline/core/testing";
import { createHub } from "@tautline/server";
import { createMemoryServer } from "@tautline/server/testing";
import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { rejection } from "./fixture/client.ts";

const t = initTRPC.context<{ user: string }>().create();
const router = t.router({ wait: t.procedure.query(() => new Promise<void>(() => {})) });

it("a client that the application disconnects is told, and stays away until it is asked to connect", async () => {
  const network = new MemoryNetwork({ settle: () => new Promise((resolve) => setImmediate(resolve)) });
  const hub = createHub({ clock: network.clock });
  const server = createMemoryServer({
    router,
    network,
    hub,
    createContext: ({ info }) => ({ user: info.connectionParams?.["user"] ?? "nobody" }),
    identify: ({ user }) => user,
  });
  const client = createClient<typeof router>({
    url: server.url,
    connectionParams: { user: "eve" },
    ...network.clientOptions,
  });
  const failed = rejection(client.wait.query());
  await network.advance(10);
  hub.disconnect("eve");
  await network.advance(60_000);
  expect(TautlineError.from(await failed).code).toBe("CONNECTION_CLOSED");
  expect(client.connection.state).toMatchObject({ status: "closed" });
  expect([server.connections, server.parkedSessions]).toEqual([0, 0]);

  client.connection.connect();
  await network.advance(10);
  expect(client.connection.state.status).toBe("online");
  client.connection.close();
  const closing = server.close();
  await network.advance(10);
  await closing;
  await hub.close();
  expect(network.clock.timers).toBe(0);
});
