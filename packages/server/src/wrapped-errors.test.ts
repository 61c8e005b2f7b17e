import { TautlineError } from "@tautline/core";
import { FakeClock } from "@tautline/core/testing";
import { initTRPC, TRPCError } from "@trpc/server";
import { expect, test } from "vitest";
import { createAcceptor, MemoryClient } from "../testing/memory-client.ts";

const t = initTRPC.create();
const away = new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "Redis is away" });
const unknown = new TautlineError({ code: "OUTCOME_UNKNOWN", message: "Redis may have stored it, or not" });
const throwing = (error: Error) =>
  t.procedure.mutation(() => {
    throw error;
  });
const router = t.router({
  away: throwing(away),
  wrapped: throwing(new TRPCError({ code: "CONFLICT", message: "try later", cause: away })),
  hidden: throwing(new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: "no luck", cause: away })),
  unknown: throwing(unknown),
  wrappedUnknown: throwing(new TRPCError({ code: "CONFLICT", message: "look again", cause: unknown })),
});

test("a TRPCError arrives with its own code and message, whatever its cause is", async () => {
  const clock = new FakeClock();
  const acceptor = createAcceptor({ router }, clock);
  const client = new MemoryClient(acceptor);
  await client.send([0, 1, {}]);
  const said: Record<string, unknown> = {};
  let id = 0;
  for (const path of Object.keys(router)) {
    if (path === "_def" || path === "createCaller") continue;
    await client.send([11, ++id, path, {}]);
    const shape = client.of(21).at(-1)?.[2] as { message: string; code: number; data: { code: string } };
    said[path] = [shape.data.code, shape.message, shape.code];
  }
  expect(said).toEqual({
    away: ["SERVICE_UNAVAILABLE", "Redis is away", -32603],
    wrapped: ["CONFLICT", "try later", -32009],
    hidden: ["INTERNAL_SERVER_ERROR", "no luck", -32603],
    unknown: ["OUTCOME_UNKNOWN", "Redis may have stored it, or not", -32603],
    wrappedUnknown: ["CONFLICT", "look again", -32009],
  });
  await client.close(1000);
  await acceptor.close(0);
  expect(clock.timers).toBe(0);
});

test("an error that cannot be read is an internal one, and the other calls go on", async () => {
  const unreadable = Object.defineProperty(new TRPCError({ code: "CONFLICT" }), "code", {
    get() {
      throw new Error("from a getter");
    },
  });
  const client = new MemoryClient(
    createAcceptor(
      {
        router: t.router({
          now: throwing(unreadable),
          later: t.procedure.mutation(() => Promise.reject(unreadable)),
          fine: t.procedure.mutation(() => "fine"),
        }),
      },
      new FakeClock(),
    ),
  );
  await client.send([0, 1, {}], [11, 1, "now", {}], [11, 2, "later", {}], [11, 3, "fine", {}]);
  const internal = { message: "INTERNAL_SERVER_ERROR", data: { code: "INTERNAL_SERVER_ERROR" } };
  expect(client.of(21)).toMatchObject([
    [21, 1, internal],
    [21, 2, internal],
  ]);
  expect([client.of(20), client.closed]).toEqual([[[20, 3, "fine"]], undefined]);
});
