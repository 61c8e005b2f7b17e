// A share of the herd's clients: `client <port> <baseMs>`.
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@tautline/client";
import { WebSocket } from "ws";
import { answerCommands } from "../command-channel.ts";
import type { HerdRouter } from "./server.ts";

/** What a process of clients does on request. */
export interface HerdClientCommands {
  /** Connects clients; resolves when each counts. Their mutations are on their way. */
  connect(task: { readonly from: number; readonly to: number }): Promise<void>;
  /** Breaks every connection, in one turn. */
  breakConnections(): void;
  /** Waits until all are back, no longer than this. */
  back(task: { readonly withinMs: number }): Promise<HerdClientReport>;
}

export interface HerdClientReport {
  readonly clients: number;
  /** When each was online again, and when it was back with an answer and an item, in ms since the epoch. */
  readonly onlineAt: readonly number[];
  readonly backAt: readonly number[];
  /** Not back, or not with everything. */
  readonly lost: number;
  readonly gaps: number;
  readonly doubles: number;
  readonly errors: readonly string[];
}

const open = new Set<WebSocket>();

/** What is needed to break a connection under its client. */
class BreakableWebSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol);
    open.add(this);
    this.once("close", () => open.delete(this));
  }
}

/** One client: a counter that is watched, a mutation in flight. */
class HerdMember {
  readonly counting: Promise<void>;
  onlineAt: number | undefined = undefined;
  backAt: number | undefined = undefined;
  gaps = 0;
  doubles = 0;
  error: string | undefined = undefined;
  #next = 0;
  #answered = false;
  #away = false;

  constructor(port: number, id: number) {
    const client = createClient<HerdRouter>({
      url: `ws://127.0.0.1:${port}`,
      WebSocket: BreakableWebSocket,
      heartbeatMs: 120_000,
      backoff: { baseMs },
    });
    this.counting = new Promise((resolve) => {
      client.count.subscribe(id, {
        onData: (item) => {
          this.#onItem(item);
          resolve();
        },
        onError: (error) => this.#onError(error),
        onComplete: () => this.#onError(new Error("the counter has ended")),
      });
    });
    client.hold.mutate(id).then(
      (answer) => {
        this.#answered = answer === id;
      },
      (error: unknown) => this.#onError(error),
    );
    client.connection.subscribe(({ status }) => {
      if (status !== "online") this.#away = true;
      else if (this.#away) this.onlineAt ??= Date.now();
    });
    // Until it is online for the first time it is not away.
    void this.counting.then(() => {
      this.#away = false;
      this.onlineAt = undefined;
    });
  }

  /** Only an item that comes after it was away shows that the counter goes on. */
  #onItem(item: number): void {
    if (item > this.#next) this.gaps++;
    if (item < this.#next) this.doubles++;
    this.#next = item + 1;
    if (this.onlineAt !== undefined && this.#answered) this.backAt ??= Date.now();
  }

  #onError(error: unknown): void {
    this.error ??= error instanceof Error ? error.message : String(error);
  }
}

const port = Number(process.argv[2]);
const baseMs = Number(process.argv[3]);
const members: HerdMember[] = [];

const commands: HerdClientCommands = {
  async connect({ from, to }) {
    for (let id = from; id < to; id += 100) {
      const some = Array.from({ length: Math.min(100, to - id) }, (_, index) => new HerdMember(port, id + index));
      members.push(...some);
      await Promise.all(some.map((member) => member.counting));
    }
  },
  breakConnections() {
    for (const webSocket of open) webSocket.terminate();
  },
  async back({ withinMs }) {
    const deadline = Date.now() + withinMs;
    while (Date.now() < deadline && members.some(({ backAt }) => backAt === undefined)) await sleep(20);
    return report();
  },
};

function report(): HerdClientReport {
  const isWhole = ({ backAt, gaps, doubles, error }: HerdMember): boolean =>
    backAt !== undefined && gaps + doubles === 0 && error === undefined;
  return {
    clients: members.length,
    onlineAt: members.flatMap(({ onlineAt }) => onlineAt ?? []),
    backAt: members.flatMap(({ backAt }) => backAt ?? []),
    lost: members.filter((member) => !isWhole(member)).length,
    gaps: members.reduce((sum, { gaps }) => sum + gaps, 0),
    doubles: members.reduce((sum, { doubles }) => sum + doubles, 0),
    errors: [...new Set(members.flatMap(({ error }) => error ?? []))].slice(0, 5),
  };
}

answerCommands(commands);
