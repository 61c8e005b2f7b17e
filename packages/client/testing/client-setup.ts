import { TautlineError } from "@tautline/core";
import { MemoryNetwork, type MemorySocket, messagesOf } from "@tautline/core/testing";
import type { ClientConnection } from "../src/connection-state.ts";
import { createClient } from "../src/create-client.ts";
import type { ConnectionOptions } from "../src/options.ts";

export type Sent = readonly [type: number, ...unknown[]];

/** A connection as a server sees it that says what the test tells it to. */
export class Line {
  readonly came: Sent[] = [];
  closed: number | undefined = undefined;
  readonly #socket: MemorySocket;

  constructor(socket: MemorySocket) {
    this.#socket = socket;
    socket.listen({
      onFrame: (frame) => this.came.push(...messagesOf(frame)),
      onClosed: (code) => {
        this.closed = code;
      },
    });
  }

  get hello(): Record<string, unknown> {
    return (this.came.find(([type]) => type === 0)?.[2] ?? {}) as Record<string, unknown>;
  }

  say(...messages: readonly Sent[]): void {
    this.#socket.send(JSON.stringify(messages));
  }

  close(code: number): void {
    this.#socket.close(code, "");
  }

  cut(): void {
    this.#socket.terminate();
  }
}

interface Client {
  readonly save: { mutate(input: string): Promise<unknown> };
  readonly connection: ClientConnection;
}

// There is no router that it could be typed by.
const createUntypedClient = createClient as unknown as (options: ConnectionOptions) => Client;

/** A client, and the server that it connects to. */
export class ClientSetup {
  readonly network: MemoryNetwork = new MemoryNetwork({
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  });
  readonly lines: Line[] = [];
  readonly client: Client;
  readonly outcomes: unknown[] = [];

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.network.listen("ws://server/", (socket) => this.lines.push(new Line(socket)));
    this.client = createUntypedClient({
      url: "ws://server/",
      backoff: { baseMs: 10, maxMs: 10 },
      heartbeatMs: Number.POSITIVE_INFINITY,
      ...this.network.clientOptions,
      ...options,
    });
  }

  /** Makes a mutation, and notes what comes of it. */
  save(name: string): void {
    this.client.save.mutate(name).then(
      (value) => this.outcomes.push([name, value]),
      (error: unknown) => this.outcomes.push([name, TautlineError.from(error).code]),
    );
  }

  /** The newest connection, once it is there. */
  async line(): Promise<Line> {
    const { length } = this.lines;
    for (let ms = 0; ms < 100 && (length === this.lines.length || this.last.hello["attempt"] === undefined); ms++) {
      await this.network.advance(1);
    }
    return this.last;
  }

  get last(): Line {
    const line = this.lines.at(-1);
    if (line === undefined) throw new Error("nobody has connected");
    return line;
  }

  async welcome(fields: object): Promise<void> {
    this.last.say([1, fields]);
    await this.network.advance(2);
  }
}
