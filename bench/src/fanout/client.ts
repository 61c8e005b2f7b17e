// The clients of the fan-out: `client <port by hand> <port of tautline>`.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@tautline/client";
import { WebSocket } from "ws";
import { answerCommands } from "../command-channel.ts";
import type { FanoutRouter, FanoutSystem } from "./server.ts";

/** What the clients do on request. */
export interface FanoutClientCommands {
  /** Opens so many connections, and subscribes on each. */
  connect(task: { readonly system: FanoutSystem; readonly count: number }): Promise<void>;
  /** One more, which reads nothing from now on. */
  stall(): Promise<void>;
  closeAll(): Promise<void>;
  /** Waits until so many events have come since the last time; says how long each took, sorted, in µs. */
  receive(task: { readonly events: number }): Promise<FanoutSample>;
}

export interface FanoutSample {
  readonly p50Us: number;
  readonly p99Us: number;
}

interface Event {
  readonly at: number;
}

const [ws = "", tautline = ""] = process.argv.slice(2);
const closes: (() => void)[] = [];
let latenciesUs: number[] = [];

function onEvent({ at }: Event): void {
  latenciesUs.push((performance.timeOrigin + performance.now() - at) * 1000);
}

async function connectByHand(): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${ws}`, { perMessageDeflate: false });
  socket.on("message", (data: Buffer) => onEvent(JSON.parse(data.toString()) as Event));
  closes.push(() => socket.terminate());
  await once(socket, "open");
}

function connectTautline(WebSocketClass: typeof WebSocket = WebSocket): Promise<void> {
  const client = createClient<FanoutRouter>({
    url: `ws://127.0.0.1:${tautline}`,
    WebSocket: WebSocketClass,
    heartbeatMs: 600_000,
  });
  closes.push(() => client.connection.close());
  return new Promise((resolve, reject) => {
    client.events.subscribe(undefined, {
      onStarted: () => resolve(),
      onData: ({ data }) => onEvent(data),
      onError: reject,
    });
  });
}

const opened: WebSocket[] = [];

/** Keeps its sockets where they can be had. */
class StallingWebSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol);
    opened.push(this);
  }
}

const commands: FanoutClientCommands = {
  async connect({ system, count }) {
    for (let open = 0; open < count; open += 50) {
      const some = Array.from({ length: Math.min(50, count - open) }, () =>
        system === "ws" ? connectByHand() : connectTautline(),
      );
      await Promise.all(some);
    }
  },
  async stall() {
    await connectTautline(StallingWebSocket as unknown as typeof WebSocket);
    for (const socket of opened) socket.pause();
  },
  async closeAll() {
    for (const close of closes.splice(0)) close();
    await sleep(500);
    latenciesUs = [];
  },
  async receive({ events }) {
    for (let waited = 0; latenciesUs.length < events; waited++) {
      if (waited > 6000) throw new Error(`${latenciesUs.length} of ${events} events have come`);
      await sleep(5);
    }
    const sorted = Float64Array.from(latenciesUs).sort();
    latenciesUs = [];
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
    return { p50Us: at(0.5), p99Us: at(0.99) };
  },
};

answerCommands(commands);
