// The server of the fan-out: the same events by hand over `ws`, one string for all, and from a topic.
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { createHub, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { answerCommands } from "../command-channel.ts";

export type FanoutSystem = "ws" | "tautline";

/** What the server does on request. */
export interface FanoutServerCommands {
  /** CPU time used so far, in µs. */
  cpuUs(): number;
  /** Sends so many events to everybody, each in a turn of its own, so many ms apart. */
  publish(task: { readonly system: FanoutSystem; readonly events: number; readonly everyMs: number }): Promise<void>;
  /** After garbage collection. */
  memoryBytes(): Promise<number>;
}

export interface FanoutPorts {
  readonly ws: number;
  readonly tautline: number;
}

const Event = z.object({ n: z.number(), at: z.number(), text: z.string() });

const t = initTRPC.create();
const hub = createHub();
const topic = hub.topic("events", Event);
const router = t.router({ events: t.procedure.subscription(() => topic.subscribe("all")) });
export type FanoutRouter = typeof router;

const byHand = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
const sockets = new Set<WebSocket>();
byHand.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  socket.on("error", () => {});
});
const tautline = await serve({ router, host: "127.0.0.1", heartbeatMs: 600_000 });

let count = 0;

/** Of 200 bytes as JSON, or a few more. */
function createEvent(): z.output<typeof Event> {
  return { n: ++count, at: performance.timeOrigin + performance.now(), text: "x".repeat(144) };
}

async function send(system: FanoutSystem): Promise<void> {
  const event = createEvent();
  if (system === "tautline") return void (await topic.publish("all", event));
  const text = JSON.stringify(event);
  for (const socket of sockets) socket.send(text);
}

const commands: FanoutServerCommands = {
  cpuUs() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  async publish({ system, events, everyMs }) {
    for (let event = 0; event < events; event++) {
      await send(system);
      if (everyMs > 0) await sleep(everyMs);
      else await turn();
    }
  },
  async memoryBytes() {
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await sleep(50);
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
};

const { port } = byHand.address() as { port: number };
answerCommands(commands, { ws: port, tautline: tautline.port } satisfies FanoutPorts);
