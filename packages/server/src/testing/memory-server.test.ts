import { MemoryNetwork } from "@tautline/core/testing";
import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { createMemoryServer } from "./memory-server.ts";

const t = initTRPC.create();
const router = t.router({ greet: t.procedure.query(() => "hello") });

it("serves a router on a network in memory, and is gone when it is closed", async () => {
  const network = new MemoryNetwork();
  const server = createMemoryServer({ router, network });
  const frames: unknown[] = [];
  const closed: number[] = [];
  const socket = new network.WebSocket(server.url);
  socket.addEventListener("open", () => socket.send('[[0,1,{}],[10,1,"greet",{}]]'));
  socket.addEventListener("message", ({ data }) => frames.push(...(JSON.parse(String(data)) as unknown[])));
  socket.addEventListener("close", ({ code }) => closed.push(code));
  await network.advance(10);
  expect(frames).toMatchObject([
    [1, {}],
    [20, 1, "hello"],
  ]);
  expect(server.connections).toBe(1);
  const closing = server.close({ drainMs: 100 });
  await network.advance(200);
  await closing;
  expect(closed).toEqual([1001]);
  expect(server.connections).toBe(0);
  expect(network.clock.timers).toBe(0);
  const late = new network.WebSocket(server.url);
  late.addEventListener("close", ({ code }) => closed.push(code));
  await network.advance(10);
  expect(closed).toEqual([1001, 1006]);
});
