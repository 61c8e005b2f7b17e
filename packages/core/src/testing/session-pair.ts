import { encodeMessage } from "../codec.ts";
import { Connection } from "../connection.ts";
import type { Borrower } from "../deferred-replay-buffer.ts";
import type { TautlineError } from "../errors.ts";
import { everyMessage } from "../every-message.ts";
import type { Frame } from "../frame.ts";
import { LendingSession } from "../lending-session.ts";
import { isSessionMessage, type Message, type PeerMessage } from "../protocol.ts";
import type { ReplayBuffer } from "../replay-buffer.ts";
import { plainFrame, SharedMessage } from "../shared-message.ts";
import type { Socket } from "../socket.ts";
import { messagesOf } from "./frame-json.ts";

/** One end: its session, and the numbers that were sent and that came. */
export class SessionEnd implements Borrower {
  readonly came: unknown[] = [];
  readonly errors: TautlineError[] = [];
  readonly kept: number[] = [];
  sent = 0;
  readonly session: LendingSession;
  /** On loan, and what was sent over it. */
  #socket: Socket | undefined = undefined;
  #lent: SharedMessage[] = [];

  constructor(replayLength: number) {
    this.session = new LendingSession(
      { onMessage: (message) => this.onMessage(message), onKept: (length) => this.kept.push(length) },
      replayLength,
    );
  }

  onMessage([, , value]: PeerMessage): void {
    this.came.push(Array.isArray(value) ? value[0] : value);
  }

  /** Sends the next number, padded to a length. */
  send(padding = 0): void {
    this.session.send(this.#encode(padding));
  }

  /** Sends the next number in a frame of its own: past the session, while that lends its socket. */
  sendShared(padding = 0): void {
    const message = new SharedMessage(this.#encode(padding));
    if (this.#socket !== undefined) {
      this.#lent.push(message);
      this.#socket.send(message);
    } else {
      this.session.send(message);
      this.#socket = this.session.lend(this, 0);
    }
  }

  /** Whether it has a loan. */
  get borrows(): boolean {
    return this.#socket !== undefined;
  }

  onRecalled(kept: Pick<ReplayBuffer, "push">): void {
    this.#socket = undefined;
    for (const message of this.#lent.splice(0)) kept.push(message);
  }

  #encode(padding: number): string {
    return JSON.stringify([20, 1, [this.sent++, "x".repeat(padding)]]);
  }
}

/** Frames on their way between two connections, one direction each. They arrive when they are told to. */
export class SessionWire {
  readonly toServer: Frame[] = [];
  readonly toClient: Frame[] = [];
  readonly clientSocket: Socket = { send: (frame) => this.toServer.push(plainFrame(frame)), close: () => {} };
  readonly serverSocket: Socket = { send: (frame) => this.toClient.push(plainFrame(frame)), close: () => {} };
  readonly client: Connection;
  readonly server: Connection;

  constructor(client: SessionEnd, server: SessionEnd) {
    this.client = this.#connect(client, this.clientSocket);
    this.server = this.#connect(server, this.serverSocket);
  }

  /** So many frames arrive. Returns how many did. */
  deliver(direction: "toServer" | "toClient", frames: number): number {
    const arriving = this[direction].splice(0, frames);
    for (const frame of arriving) (direction === "toServer" ? this.server : this.client).receive(frame);
    return arriving.length;
  }

  /** What comes before sessions: set by whoever plays hello and welcome. */
  onControl: (message: Message) => void = () => {};

  #connect(end: SessionEnd, socket: Socket): Connection {
    const connection: Connection = new Connection(
      socket,
      {
        onMessage: (message) => {
          if (isSessionMessage(message)) end.session.receive(message, connection);
          else this.onControl(message);
        },
        onFrame: (length) => end.session.onFrame(length),
        onError: (error) => end.errors.push(error),
      },
      { table: everyMessage },
    );
    return connection;
  }
}

/** A client and a server whose session goes over one wire after the other, as hello and welcome have it. */
export class SessionPair {
  readonly client: SessionEnd;
  readonly server: SessionEnd;
  readonly wires: SessionWire[] = [];
  /** The server could not go on from where the client was. */
  refused = false;
  #greeted = false;
  #newest = 0;

  constructor(replayLength = 1_000_000, clientReplayLength: number = replayLength) {
    this.client = new SessionEnd(clientReplayLength);
    this.server = new SessionEnd(replayLength);
  }

  /** A pair that has a wire, over which nothing is on its way. */
  static async connected(replayLength?: number): Promise<SessionPair> {
    const pair = new SessionPair(replayLength);
    pair.connect();
    await pair.settle();
    return pair;
  }

  get wire(): SessionWire | undefined {
    return this.wires.at(-1);
  }

  /** The client says hello over a new wire; the one before it is gone for the client, and need not be for the server. */
  connect(): void {
    if (this.wire !== undefined) {
      this.wire.client.onClosed();
      this.client.session.park(this.wire.client);
    }
    const wire = new SessionWire(this.client, this.server);
    this.wires.push(wire);
    const attempt = this.wires.length;
    wire.onControl = (message) => {
      if (message[0] === 0) this.#onHello(message[2].received, attempt, wire);
      if (message[0] === 1) this.#onWelcome(message[1].received ?? 0, wire);
    };
    const fields = this.#greeted ? { received: this.client.session.received } : {};
    wire.client.send(encodeMessage([0, 1, fields]));
    if (!this.#greeted) this.client.session.attach(wire.client, 0, wire.clientSocket);
    this.#greeted = true;
  }

  /** The newest wire is cut: what is on it is lost. */
  cut(): void {
    const { wire } = this;
    if (wire === undefined) return;
    wire.toServer.length = 0;
    wire.toClient.length = 0;
    wire.onControl = () => {};
    wire.client.onClosed();
    wire.server.onClosed();
    this.client.session.park(wire.client);
    this.server.session.park(wire.server);
  }

  /** Lets everything arrive until nothing moves. */
  async settle(): Promise<void> {
    for (let moved = 1; moved > 0; ) {
      await flushed();
      const count = Number.POSITIVE_INFINITY;
      moved = (this.wire?.deliver("toServer", count) ?? 0) + (this.wire?.deliver("toClient", count) ?? 0);
      await flushed();
      moved += (this.wire?.toServer.length ?? 0) + (this.wire?.toClient.length ?? 0);
    }
  }

  #onHello(received: number | undefined, attempt: number, wire: SessionWire): void {
    const { session } = this.server;
    // A hello that was long on its way does not take the session from a newer one.
    if (attempt < this.#newest) return;
    this.#newest = attempt;
    if (!session.canResume(received ?? 0)) {
      this.refused = true;
      return;
    }
    wire.server.send(encodeMessage([1, { received: session.received }]));
    session.attach(wire.server, received ?? 0, wire.serverSocket);
  }

  #onWelcome(received: number, wire: SessionWire): void {
    const { session } = this.client;
    // A new session is attached since its hello.
    if (session.open) return;
    if (session.canResume(received)) session.attach(wire.client, received, wire.clientSocket);
    else this.refused = true;
  }
}

/** Connections join what is sent within a few microtasks. */
export async function flushed(): Promise<void> {
  for (let count = 0; count < 24; count++) await Promise.resolve();
}

/** What an end has sent that was sent so often. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The messages on the way in one direction. */
export function onTheWay(frames: readonly Frame[]): unknown[] {
  return frames.flatMap(messagesOf);
}
