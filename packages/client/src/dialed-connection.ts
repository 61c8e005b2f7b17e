import { TautlineError } from "@tautline/core";
import {
  authenticatedType,
  authType,
  badMessage,
  beatMs,
  Connection,
  type ConnectionHandlers,
  type Deadline,
  encodePlain,
  goawayType,
  type HelloFields,
  helloType,
  type Message,
  mayReconnect,
  needOf,
  protocolVersion,
  refusedType,
  type Session,
  type SessionMessage,
  type WelcomeFields,
  welcomeType,
} from "@tautline/core/internals";
import { WebSocket as DefaultWebSocket } from "#web-socket";
import type { ClientRuntime } from "./client-runtime.ts";
import { type ConnectionParams, defaultConnectTimeoutMs, type Provided } from "./options.ts";
import { frameOf, openSocket, type WebSocketLike } from "./web-socket.ts";

/** What a connection is made for. */
export interface ConnectionOwner {
  /** What goes over it. */
  readonly session: Session;
  /** Hello has been sent. */
  onOpen(connection: Connection): void;
  onWelcome(fields: WelcomeFields, connection: Connection): void;
  /** The server wants to be left within so many ms. */
  onGoaway(withinMs: number): void;
  /** There is no connection, or none any more: `close` is to follow. `refused` where the server has said so before any welcome. */
  onLost(reason: TautlineError, mayRetry: boolean, refused: boolean): void;
}

/** The client's end of one connection: dialled, welcomed, and lost. */
export class DialedConnection implements ConnectionHandlers {
  readonly #runtime: ClientRuntime;
  readonly #owner: ConnectionOwner;
  #phase: "dialing" | "refused" | "online" | "closed" = "dialing";
  /** For the welcome, and then for the next beat. */
  #deadline: Deadline | undefined;
  #connection: Connection | undefined;
  #refusal: TautlineError | undefined;
  /** Each hears what came of new credentials; an error where they were not taken. */
  readonly #authentications: ((error?: TautlineError) => void)[] = [];

  constructor(runtime: ClientRuntime, owner: ConnectionOwner) {
    this.#runtime = runtime;
    this.#owner = owner;
  }

  /**
   * Apart from the constructor: what gives the address may close it.
   *
   * @param hello what is said of the session.
   */
  dial(hello: HelloFields): void {
    const { connectTimeoutMs = defaultConnectTimeoutMs, url, connectionParams } = this.#runtime.options;
    this.#wait(connectTimeoutMs);
    Promise.all([provide(url), provide(connectionParams)]).then(
      ([address, params]) => this.#phase === "dialing" && this.#open(address, { params, ...hello }),
      // It may pass.
      (thrown: unknown) => this.#lose(TautlineError.from(thrown)),
    );
  }

  /** Gives up dialling, or closes. Returns the connection where there was one. */
  close(code: number, reason: TautlineError): Connection | undefined {
    this.#phase = "closed";
    this.#deadline?.cancel();
    this.#connection?.close(code, "");
    for (const settle of this.#authentications.splice(0)) settle(reason);
    return this.#connection;
  }

  /** Hands the server new credentials. Undefined where there is no server yet, or none any more. */
  authenticate(params: ConnectionParams): Promise<void> | undefined {
    if (this.#phase !== "online") return undefined;
    return new Promise((resolve, reject) => {
      const message = encodePlain([authType, params]);
      // First: what ends the connection, also while it is sent, ends the wait.
      this.#authentications.push((error) => (error === undefined ? resolve() : reject(error)));
      this.#connection?.send(message);
    });
  }

  onMessage(message: Message, length: number): void {
    switch (message[0]) {
      case welcomeType:
        this.#expect("dialing");
        this.#phase = "online";
        this.#deadline?.cancel();
        this.#beat();
        return this.#owner.onWelcome(message[1], this.#connection as Connection);
      case refusedType:
        this.#expect("dialing");
        this.#phase = "refused";
        this.#refusal = this.#runtime.values.readError(message[1]);
        return;
      case goawayType:
        this.#expect("online");
        return this.#owner.onGoaway(message[1]);
      case authenticatedType:
        return this.#authentications.shift()?.(
          message[1] === undefined ? undefined : this.#runtime.values.readError(message[1]),
        );
      default:
        // The table of what is taken has nothing else.
        this.#owner.session.receive(message as SessionMessage, this.#connection as Connection, length);
    }
  }

  onFrame(length: number): void {
    // An acknowledgement tells the server that its welcome has come.
    if (this.#phase === "online") this.#owner.session.onFrame(length);
  }

  onError(error: TautlineError): void {
    this.#lose(error, false);
  }

  #open(address: string | URL, hello: HelloFields): void {
    try {
      const message = encodePlain([helloType, protocolVersion, hello]);
      this.#listen(openSocket(this.#runtime.options.WebSocket ?? DefaultWebSocket, address), message);
    } catch (thrown) {
      // An address that is none stays none, and credentials that are too much stay so.
      this.#lose(TautlineError.from(thrown, "BAD_REQUEST"), false);
    }
  }

  #listen(socket: WebSocketLike, hello: string): void {
    const connection = new Connection(socket, this, this.#runtime.reader);
    this.#connection = connection;
    socket.addEventListener("open", () => {
      if (this.#phase === "closed") return;
      connection.send(hello);
      this.#owner.onOpen(connection);
    });
    socket.addEventListener("message", ({ data }) => connection.receive(frameOf(data)));
    // What the network, TLS or HTTP had against it: `ws` says so before it closes, browsers tell nobody.
    let cause: Error | undefined;
    socket.addEventListener("error", (event) => {
      cause = (event as { error?: Error }).error;
      // Not everywhere does `close` follow where it was never open.
      if (this.#phase === "dialing") this.#wait(0, cause);
    });
    socket.addEventListener("close", ({ code, reason }) =>
      this.#lose(connectionClosed(`closed (${code} ${reason || (cause?.message ?? "")})`, cause), mayReconnect(code)),
    );
  }

  /** For the welcome. */
  #wait(ms: number, cause?: Error): void {
    this.#deadline?.cancel();
    this.#deadline = this.#runtime.deadlines.add(ms, () => this.#lose(connectionClosed("no answer", cause)));
  }

  #beat(): void {
    const { deadlines, options } = this.#runtime;
    this.#deadline = deadlines.add(beatMs(options), () => {
      this.#beat();
      const need = needOf(this.#connection?.countQuietBeat() ?? 0, options);
      if (need === "ping") this.#owner.session.ping();
      else if (need === "close") this.#lose(connectionClosed("no sign of life"));
    });
  }

  /** @throws TautlineError `BAD_MESSAGE` for what the server may not say now. */
  #expect(phase: "dialing" | "online"): void {
    if (this.#phase !== phase) throw badMessage("out of its turn");
  }

  #lose(reason: TautlineError, mayRetry = true): void {
    if (this.#phase !== "closed") this.#owner.onLost(this.#refusal ?? reason, mayRetry, this.#refusal !== undefined);
  }
}

async function provide<T>(provided: Provided<T>): Promise<T> {
  return typeof provided === "function" ? await (provided as () => T | Promise<T>)() : provided;
}

export function connectionClosed(message: string, cause?: unknown): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message, cause });
}
