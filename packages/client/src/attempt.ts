import { TautlineError } from "@tautline/core";
import {
  authenticatedType,
  type Beating,
  badMessage,
  Connection,
  type ConnectionHandlers,
  type Deadline,
  type Deadlines,
  encodePlain,
  type FrameReader,
  goawayType,
  type HelloFields,
  helloType,
  isSessionMessage,
  type Message,
  mayReconnect,
  type OutgoingCalls,
  type PipeEnd,
  protocolVersion,
  refusedType,
  type Session,
  silentClosure,
  type WelcomeFields,
  welcomeType,
} from "@tautline/core/internals";
import { WebSocket as DefaultWebSocket } from "#web-socket";
import { type ConnectionOptions, defaultConnectTimeoutMs, type Provided } from "./options.ts";
import { frameOf, openSocket } from "./web-socket.ts";

/** What a client's connections share. */
export interface ClientRuntime {
  readonly options: ConnectionOptions;
  readonly deadlines: Deadlines;
  readonly calls: OutgoingCalls;
  /** What sessions carry: the calls, or where procedures are exposed a `Peer` with them. */
  readonly end: PipeEnd;
  /** How the server's frames are read. */
  readonly reader: FrameReader;
  /** Reads the shape of a server's error. */
  readonly readError: (shape: unknown) => TautlineError;
}

/** Whoever wants a connection. */
export interface AttemptOwner {
  readonly runtime: ClientRuntime;
  /** The socket is open: what hello says of the session. */
  hello(): HelloFields;
  /** Hello is on its way: a new session may follow it. */
  onGreeted(attempt: Attempt): void;
  onWelcome(attempt: Attempt, fields: WelcomeFields): void;
  /** The server wants to be left within so many ms. */
  onGoaway(withinMs: number): void;
  /** The server's answer to new credentials; with an error where it did not take them. */
  onAuthenticated(error: TautlineError | undefined): void;
  /** It is over. `refused` where the server has said that it started nothing. */
  onLost(reason: TautlineError, how: { mayRetry: boolean; refused: boolean }): void;
}

/** One socket: from looking up its URL to its end, which its owner hears of once, unless it ends it itself. */
export class Attempt implements ConnectionHandlers, Beating {
  /** What goes over it, once its owner has attached it. */
  session: Session | undefined;
  readonly #owner: AttemptOwner;
  readonly #deadline: Deadline;
  #connection: Connection | undefined;
  #refusal: TautlineError | undefined;
  #welcomed = false;
  #over = false;

  constructor(owner: AttemptOwner) {
    this.#owner = owner;
    const { deadlines, options } = owner.runtime;
    const { connectTimeoutMs = defaultConnectTimeoutMs } = options;
    this.#deadline = deadlines.add(connectTimeoutMs, () => this.#lose(connectionClosed("no answer"), true));
    // An address that is none stays none; what looking up the credentials threw may pass.
    this.#open().catch((thrown: unknown) => {
      const error = TautlineError.from(thrown);
      this.#lose(error, error.code !== "BAD_REQUEST");
    });
  }

  /** The session goes on here. @param received how many of its messages the server has. */
  carry(session: Session, received: number): void {
    this.session = session;
    if (this.#connection !== undefined) session.attach(this.#connection, received);
  }

  send(message: Message): void {
    this.#connection?.send(encodePlain(message));
  }

  /** Closes it; its owner hears nothing more. Only after `normalClosure` the server does not expect the session again. */
  end(code: number): void {
    this.#over = true;
    this.#deadline.cancel();
    this.#connection?.close(code, "");
    if (this.#connection !== undefined) this.session?.park(this.#connection);
  }

  onMessage(message: Message, length: number): void {
    if (isSessionMessage(message)) {
      if (this.#connection !== undefined) this.session?.receive(message, this.#connection, length);
      return;
    }
    switch (message[0]) {
      case welcomeType:
        this.#welcomed = true;
        this.#deadline.cancel();
        return this.#owner.onWelcome(this, message[1]);
      case refusedType:
        if (this.#welcomed) throw badMessage("refused after the welcome");
        this.#refusal = this.#readError(message[1]);
        return;
      case goawayType:
        return this.#owner.onGoaway(message[1]);
      case authenticatedType:
        return this.#owner.onAuthenticated(message[1] === undefined ? undefined : this.#readError(message[1]));
      default:
        throw badMessage("unexpected");
    }
  }

  onFrame(length: number): void {
    // An acknowledgement tells the server that its welcome has come.
    if (this.#welcomed) this.session?.onFrame(length);
  }

  onError(error: TautlineError): void {
    this.#lose(error, false);
  }

  countQuietBeat(): number {
    return this.#connection?.countQuietBeat() ?? 0;
  }

  ping(): void {
    this.session?.ping();
  }

  onSilent(): void {
    this.#lose(connectionClosed("no sign of life"), true);
  }

  async #open(): Promise<void> {
    const { options, reader } = this.#owner.runtime;
    const { url, connectionParams, WebSocket = DefaultWebSocket } = options;
    const [address, params] = await Promise.all([provide(url), provide(connectionParams)]);
    if (this.#over) return;
    const socket = openSocket(WebSocket, address);
    const connection = new Connection(socket, this, reader);
    this.#connection = connection;
    socket.addEventListener("open", () => {
      if (this.#over) return;
      const fields = this.#owner.hello();
      connection.send(encodePlain([helloType, protocolVersion, params === undefined ? fields : { params, ...fields }]));
      this.#owner.onGreeted(this);
    });
    socket.addEventListener("message", ({ data }) => connection.receive(frameOf(data)));
    socket.addEventListener("close", ({ code, reason }) => {
      this.#lose(this.#refusal ?? connectionClosed(`closed (${code} ${reason})`), mayReconnect(code));
    });
    // `close` follows, and says more.
    socket.addEventListener("error", () => {});
  }

  #readError(shape: unknown): TautlineError {
    return this.#owner.runtime.readError(shape);
  }

  #lose(reason: TautlineError, mayRetry: boolean): void {
    if (this.#over) return;
    this.end(silentClosure);
    this.#owner.onLost(reason, { mayRetry, refused: this.#refusal !== undefined });
  }
}

async function provide<T>(provided: Provided<T>): Promise<T> {
  return typeof provided === "function" ? await (provided as () => T | Promise<T>)() : provided;
}

export function connectionClosed(message: string): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message });
}
