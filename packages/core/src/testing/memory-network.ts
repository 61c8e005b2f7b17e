import { FakeClock } from "./fake-clock.ts";
import { type LinkEnd, MemoryLink, type MemorySocket, type Traffic } from "./memory-link.ts";
import { MemoryWebSocket } from "./memory-web-socket.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface MemoryNetworkOptions {
  /** What happens by chance is the same for the same seed. Default 1. */
  readonly seed?: number;
  /** The least and the most that a frame is on its way, in ms; frames of one direction never overtake each other. Default [1, 1]. */
  readonly latencyMs?: readonly [least: number, most: number];
  /** The least and the most that opening a connection takes, in ms: connections may open out of order. Default [1, 1]. */
  readonly connectMs?: readonly [least: number, most: number];
  /** As of a `MemoryLink`: so much on its way from one end, and its socket is not drained. Default 1 MiB. */
  readonly highWaterLength?: number;
  /**
   * Waits until everything that was set off has been done. Default: until nothing has moved for 64 microtasks, which long chains of
   * promises outlast; where there is one, a turn of the event loop waits for all of them (in Node: `setImmediate` as a promise).
   */
  readonly settle?: () => Promise<void>;
  /** Sees every frame when it is sent, and again when it arrives. */
  readonly onTraffic?: (traffic: Traffic, connection: MemoryConnection) => void;
  /** An end of a connection has closed, or hears that the connection is gone. */
  readonly onGone?: (end: LinkEnd, connection: MemoryConnection) => void;
}

/** Takes a connection, synchronously. */
export type Listener = (socket: MemorySocket, connection: MemoryConnection) => void;

/** A class of WebSockets on a network in memory; what `createClient` takes as `WebSocket`. */
export type MemoryWebSocketClass = new (url: string, protocol?: string) => MemoryWebSocket;

/**
 * A network in one process, with time that stands still until it is told to pass: nothing happens by itself, and everything
 * happens again in the same way for the same seed.
 *
 * ```ts
 * const network = new MemoryNetwork({ seed: 7, latencyMs: [1, 20] });
 * const server = createMemoryServer({ router, network }); // @tautline/server/testing
 * const client = createClient<Router>({ url: server.url, ...network.clientOptions });
 * const answer = client.greet.query("Ada");
 * await network.advance(15);
 * network.connections[0]?.cut(); // what was on its way is lost
 * await network.advance(1_000);
 * await answer; // comes all the same, and greet ran once
 * ```
 */
export class MemoryNetwork {
  readonly clock: FakeClock = new FakeClock();
  readonly random: SeededRandom;
  readonly WebSocket: MemoryWebSocketClass;
  /** How long a frame is on its way, in ms; may be changed at any time. */
  latencyMs: readonly [least: number, most: number];
  /** How long opening a connection takes, in ms; may be changed at any time. */
  connectMs: readonly [least: number, most: number];
  /** Whether connections can be opened. */
  reachable = true;
  readonly #highWaterLength: number | undefined;
  readonly #onTraffic: MemoryNetworkOptions["onTraffic"];
  readonly #settle: () => Promise<void>;
  readonly #onGone: MemoryNetworkOptions["onGone"];
  readonly #listeners = new Map<string, Listener>();
  readonly #connections = new Set<MemoryConnection>();
  #moves = 0;
  #opened = 0;

  constructor({
    seed = 1,
    latencyMs = [1, 1],
    connectMs = [1, 1],
    highWaterLength,
    settle,
    onTraffic,
    onGone,
  }: MemoryNetworkOptions = {}) {
    this.random = new SeededRandom(seed);
    this.latencyMs = latencyMs;
    this.connectMs = connectMs;
    this.#highWaterLength = highWaterLength;
    this.#settle = settle ?? (() => this.#awaitQuiet());
    this.#onTraffic = onTraffic;
    this.#onGone = onGone;
    const connect = (webSocket: MemoryWebSocket, url: string): void => this.#connect(webSocket, url);
    this.WebSocket = class extends MemoryWebSocket {
      constructor(url: string) {
        super(connect, url);
      }
    };
  }

  /** What puts a client on this network: its class of WebSockets, its clock, its randomness. */
  get clientOptions(): { WebSocket: MemoryWebSocketClass; clock: FakeClock; random: () => number } {
    return { WebSocket: this.WebSocket, clock: this.clock, random: this.random.next };
  }

  /** Connections of which one end at least is open, in the order in which they were opened. */
  get connections(): readonly MemoryConnection[] {
    for (const connection of this.#connections) {
      if (!connection.client.open && !connection.server.open) this.#connections.delete(connection);
    }
    return [...this.#connections];
  }

  /** Takes the connections to this address. Returns what ends that; a connection is then refused. */
  listen(url: string, listener: Listener): () => void {
    const { href } = new URL(url);
    this.#listeners.set(href, listener);
    return () => {
      if (this.#listeners.get(href) === listener) this.#listeners.delete(href);
    };
  }

  /** Resolves when everything that was set off has been done, short of letting time pass. */
  settled(): Promise<void> {
    return this.#settle();
  }

  /** Lets so much time pass, one timer after the other; what each of them has set off is done before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    await this.settled();
    for (let next = this.clock.nextAt; next !== undefined && next <= until; next = this.clock.nextAt) {
      this.clock.advance(next - this.clock.now());
      await this.settled();
    }
    this.clock.advance(until - this.clock.now());
  }

  async #awaitQuiet(): Promise<void> {
    let moves = this.#moves;
    for (let quiet = 0; quiet < 64; quiet++) {
      await Promise.resolve();
      if (this.#moves > moves) quiet = 0;
      moves = this.#moves;
    }
  }

  #connect(webSocket: MemoryWebSocket, url: string): void {
    this.#later(this.connectMs, () => {
      const listener = this.reachable ? this.#listeners.get(new URL(url).href) : undefined;
      if (listener === undefined || webSocket.readyState !== 0) return webSocket.onFailed();
      const connection = this.#open(url);
      webSocket.onAccepted(connection.client);
      listener(connection.server, connection);
      this.#later(this.latencyMs, () => webSocket.onOpen());
    });
  }

  #open(url: string): MemoryConnection {
    const connection: MemoryConnection = new MemoryConnection(++this.#opened, url, {
      schedule: (deliver) => this.#later(this.latencyMs, deliver),
      ...(this.#highWaterLength !== undefined && { highWaterLength: this.#highWaterLength }),
      scheduleClosed: (tell) => this.#later(this.latencyMs, tell),
      onTraffic: (traffic) => {
        this.#moves++;
        this.#onTraffic?.(traffic, connection);
      },
      onGone: (end) => this.#onGone?.(end, connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  #later([least, most]: readonly [number, number], run: () => void): void {
    this.#moves++;
    this.clock.setTimeout(run, this.random.integer(least, most));
  }
}

/** A connection on a {@link MemoryNetwork}, and what may happen to it. */
export class MemoryConnection extends MemoryLink {
  /** Counted from 1, in the order in which they were opened. */
  readonly id: number;
  readonly url: string;

  /** Made by the network. */
  constructor(id: number, url: string, options: ConstructorParameters<typeof MemoryLink>[0]) {
    super(options);
    this.id = id;
    this.url = url;
  }

  /** The socket at one end: stall it, or lose it. */
  end(end: LinkEnd): MemorySocket {
    return end === "client" ? this.client : this.server;
  }
}
