import { createClient } from "@tautline/client";
import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { cleanUpAfterEach, until } from "../fixture/cleanup.ts";
import { closing } from "../fixture/client.ts";
import { createGate } from "../fixture/gate.ts";
import { startServer } from "../fixture/server.ts";
import { startTcpProxy } from "../fixture/tcp-proxy.ts";
import { holdTime } from "../fixture/time.ts";

cleanUpAfterEach();

it("a session opened after an outage longer than the window is not given up before its welcome", async () => {
  const time = holdTime();
  const t = initTRPC.create();
  const router = t.router({ ping: t.procedure.query(() => "pong") });
  const gate = createGate();
  let contexts = 0;
  const server = await startServer({
    router,
    sessionWindowMs: 1_000,
    helloTimeoutMs: Number.POSITIVE_INFINITY,
    createContext: () => (++contexts === 1 ? {} : gate.opened.then(() => ({}))),
  });
  const proxy = await startTcpProxy(server.url);
  const client = closing(
    createClient<typeof router>({
      url: proxy.url,
      backoff: { baseMs: 100, maxMs: 100 },
      connectTimeoutMs: Number.POSITIVE_INFINITY,
      random: () => 1,
    }),
  );
  const failedAttempts = (): number => {
    const { state } = client.connection;
    return state.status === "reconnecting" ? state.attempt : 0;
  };
  expect(await client.ping.query()).toBe("pong");

  proxy.refuse(true);
  proxy.cut();
  for (let attempt = 1; attempt <= 15; attempt++) {
    await until(`attempt ${attempt} has failed`, () => failedAttempts() === attempt);
    await time.pass(100);
  }
  proxy.refuse(false);
  await until("one more has failed", () => failedAttempts() === 16);
  await time.pass(100);
  await until("the server knows of it", () => contexts === 2);
  const answer = client.ping.query();
  await time.pass(1_000);
  gate.open();
  expect(await answer).toBe("pong");
});
