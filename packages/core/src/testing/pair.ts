import { decodeBinaryFrame } from "../binary-frame.ts";
import { Connection } from "../connection.ts";
import { TautlineError } from "../errors.ts";
import { everyMessage } from "../every-message.ts";
import type { Frame } from "../frame.ts";
import { type CallLimits, type CallServer, IncomingCalls } from "../incoming-calls.ts";
import { OutgoingCalls } from "../outgoing-calls.ts";
import { Peer } from "../peer.ts";
import type { MessagePipe } from "../pipe.ts";
import { badMessage, isPeerMessage, type Message } from "../protocol.ts";
import { parseStrictly } from "../strict-json.ts";
import { messagesOf } from "./frame-json.ts";
import { MemoryLink, type MemoryLinkOptions, type MemorySocket } from "./memory-link.ts";

/** One end of a pair: what answers the calls that the other end makes, and how much it takes. */
export interface PairEndOptions extends CallLimits, Partial<CallServer> {
  /** How deep a frame's JSON may nest. Default 64. */
  readonly maxDepth?: number;
}

export interface PairOptions {
  /** Without `onCall` nothing is served there: a call breaks the protocol, and the connection is closed. */
  readonly server?: PairEndOptions;
  /** As `server`. */
  readonly client?: PairEndOptions;
  /** How the link between them behaves. Default: what is sent arrives in the next microtask. */
  readonly link?: MemoryLinkOptions;
}

/** Two peers in one process. No network, no time: everything happens in microtasks. */
export interface Pair {
  readonly client: PairEnd;
  readonly server: PairEnd;
  /** The link that joins them now. Cut it, stall one end of it. */
  readonly link: MemoryLink;
  /** Joins them by a new link, as after a reconnect. An old one is cut without a word to its ends. */
  connect(): void;
  /** Resolves when nothing has moved for 64 microtasks: all that was sent has arrived, and handlers had time to answer. */
  settled(): Promise<void>;
}

/**
 * Joins two peers by connections in memory. They talk as over a WebSocket, without `hello` and `welcome`, and what they said can be
 * compared word for word:
 *
 * ```ts
 * const pair = createPair({ server: { onCall: (call) => call.sendResult("hello") } });
 * const record = new CallRecord("query", "greet");
 * pair.client.calls.call(record);
 * await pair.settled();
 * // pair.client.messages: [[10, 1, "greet", {}]]
 * // pair.server.messages: [[20, 1, "hello"]]
 * // record.events: [["result", "hello"]]
 * ```
 */
export function createPair(options: PairOptions = {}): Pair {
  return new MemoryPair(options);
}

class MemoryPair implements Pair {
  readonly client: PairEnd;
  readonly server: PairEnd;
  readonly #linkOptions: MemoryLinkOptions | undefined;
  #link: MemoryLink;

  constructor({ client, server, link }: PairOptions) {
    this.client = new PairEnd(client ?? {});
    this.server = new PairEnd(server ?? {});
    this.#linkOptions = link;
    this.#link = new MemoryLink(link);
    this.#join();
  }

  get link(): MemoryLink {
    return this.#link;
  }

  connect(): void {
    this.#link.cut();
    this.#link = new MemoryLink(this.#linkOptions);
    this.#join();
  }

  async settled(): Promise<void> {
    let moves = this.#link.moves;
    for (let quiet = 0; quiet < 64; quiet++) {
      await Promise.resolve();
      if (this.#link.moves > moves) quiet = 0;
      moves = this.#link.moves;
    }
  }

  #join(): void {
    this.server.join(this.#link.server);
    this.client.join(this.#link.client);
  }
}

/** One end of a {@link Pair}: its peer, and a record of what it sent. */
export class PairEnd {
  /** What is attached to the link: a `Peer`, or where nothing is served only the calls that this end makes. */
  readonly peer: Peer | OutgoingCalls;
  /** Why this end closed its connection: the other one broke the protocol, or something here has thrown. */
  readonly errors: TautlineError[] = [];
  readonly #parse: (text: string) => unknown;
  readonly #sockets: MemorySocket[] = [];
  #incoming: IncomingCalls | undefined = undefined;
  #connection: Connection | undefined = undefined;
  #closed: { readonly code: number; readonly reason: string } | undefined = undefined;

  /** Made by {@link createPair}. */
  constructor({ onCall, onRefused = refuse, onSettled = () => {}, maxDepth, ...limits }: PairEndOptions) {
    this.#parse = (text) => parseStrictly(text, maxDepth);
    if (onCall === undefined) {
      this.peer = new OutgoingCalls(limits.maxFrameBytes);
      return;
    }
    const serve = (pipe: MessagePipe): IncomingCalls => {
      this.#incoming = new IncomingCalls(pipe, { onCall, onRefused, onSettled }, limits);
      return this.#incoming;
    };
    this.peer = new Peer({ serve, calls: () => new OutgoingCalls(limits.maxFrameBytes) });
  }

  /** The calls that this end makes. */
  get calls(): OutgoingCalls {
    return this.peer instanceof Peer ? this.peer.calls : this.peer;
  }

  /** The calls of the other end that run here; undefined where nothing is served. */
  get incoming(): IncomingCalls | undefined {
    return this.#incoming;
  }

  /** Every frame that this end sent, over all links. */
  get frames(): readonly Frame[] {
    return this.#sockets.flatMap(({ sent }) => sent);
  }

  /** Every message that this end sent, as parsed JSON, over all links. */
  get messages(): readonly unknown[] {
    return this.frames.flatMap((frame) => messagesOf(frame));
  }

  /** How the link was closed, by whichever end; undefined while it is open. */
  get closed(): { readonly code: number; readonly reason: string } | undefined {
    return this.#closed;
  }

  /** Sends a frame past the peer, as somebody else's client might. */
  sendFrame(frame: Frame): void {
    this.#sockets.at(-1)?.send(frame);
  }

  /** Sends what waits and closes the connection. */
  close(code: number, reason: string): void {
    this.#connection?.close(code, reason);
  }

  /** Called by the pair. */
  join(socket: MemorySocket): void {
    if (this.#connection !== undefined) this.#part(this.#connection);
    const connection: Connection = new Connection(
      socket,
      {
        onMessage: (message, length) => this.#onMessage(message, connection, length),
        onError: (error) => this.errors.push(error),
      },
      { table: everyMessage, parse: this.#parse, decodeBinary: decodeBinaryFrame },
    );
    this.#sockets.push(socket);
    this.#connection = connection;
    this.#closed = undefined;
    socket.listen({
      onFrame: (frame) => connection.receive(frame),
      onClosed: (code, reason) => {
        if (this.#connection !== connection) return;
        this.#closed = { code, reason };
        this.#part(connection);
      },
    });
    this.peer.attach(connection);
  }

  #onMessage(message: Message, connection: Connection, length: number): void {
    if (!isPeerMessage(message)) throw badMessage("peers say neither hello nor welcome");
    this.peer.receive(message, connection, length);
  }

  #part(connection: Connection): void {
    connection.onClosed();
    this.#connection = undefined;
    const reason = new TautlineError({ code: "CONNECTION_CLOSED", message: "the link is gone" });
    this.peer.detach(connection, reason, { started: true });
  }
}

const refuse: CallServer["onRefused"] = (call, { code, message }) => {
  call.sendError({ message, code: -32029, data: { code } });
};
