import { TautlineError } from "@tautline/core";
import {
  badMessage,
  Connection,
  type ConnectionHandlers,
  type Deadline,
  type Deadlines,
  encodeMessage,
  helloType,
  isPeerMessage,
  type Message,
  mayReconnect,
  normalClosure,
  type OutgoingCalls,
  protocolVersion,
  refusedType,
  welcomeType,
} from "@tautline/core/internals";
import { WebSocket as DefaultWebSocket } from "#web-socket";
import { type ConnectionOptions, defaultConnectTimeoutMs, type Provided } from "./options.ts";
import { openSocket } from "./web-socket.ts";

/** Whoever wants a connection. */
export interface AttemptOwner {
  readonly options: ConnectionOptions;
  readonly runtime: ConnectionRuntime;
  onWelcome(): void;
  onLost(reason: TautlineError, mayRetry: boolean): void;
}

/** What a client's connections share. */
export interface ConnectionRuntime {
  readonly calls: OutgoingCalls;
  readonly deadlines: Deadlines;
  /** Reads the shape of the server's refusal. */
  readError(shape: unknown): TautlineError;
}

/** One socket: from looking up its URL to its end. After `abandon` it is not heard of again. */
export class Attempt implements ConnectionHandlers {
  readonly #owner: AttemptOwner;
  readonly #calls: OutgoingCalls;
  readonly #deadline: Deadline;
  #connection: Connection | undefined;
  #welcomed = false;
  #refusal: TautlineError | undefined;
  #over = false;

  constructor(owner: AttemptOwner) {
    this.#owner = owner;
    this.#calls = owner.runtime.calls;
    const { connectTimeoutMs = defaultConnectTimeoutMs } = owner.options;
    this.#deadline = owner.runtime.deadlines.add(connectTimeoutMs, () => this.#lose(connectionClosed("no answer"), true));
    // An address that is none stays none; what looking up the credentials threw may pass.
    this.#open().catch((thrown: unknown) => {
      const error = TautlineError.from(thrown);
      this.#lose(error, error.code !== "BAD_REQUEST");
    });
  }

  abandon(): void {
    this.#end(connectionClosed("closed"));
  }

  onMessage(message: Message): void {
    if (isPeerMessage(message)) {
      if (this.#connection !== undefined) this.#calls.receive(message, this.#connection);
    } else if (message[0] === welcomeType && !this.#welcomed) {
      this.#welcomed = true;
      this.#deadline.cancel();
      this.#owner.onWelcome();
    } else if (message[0] === refusedType) {
      this.#refusal = this.#owner.runtime.readError(message[1]);
    } else throw badMessage("unexpected");
  }

  onError(error: TautlineError): void {
    this.#lose(error, false);
  }

  async #open(): Promise<void> {
    const { url, connectionParams, WebSocket = DefaultWebSocket } = this.#owner.options;
    const [address, params] = await Promise.all([provide(url), provide(connectionParams)]);
    if (this.#over) return;
    const socket = openSocket(WebSocket, address);
    const connection = new Connection(socket, this);
    this.#connection = connection;
    socket.addEventListener("open", () => {
      if (this.#over) return;
      connection.send(encodeMessage([helloType, protocolVersion, params === undefined ? {} : { params }]));
      this.#calls.attach(connection);
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") connection.receive(data);
      else connection.fail(badMessage("a binary frame"));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#lose(this.#refusal ?? connectionClosed(`closed (${code} ${reason})`), mayReconnect(code));
    });
    // `close` follows, and says more.
    socket.addEventListener("error", () => {});
  }

  #lose(reason: TautlineError, mayRetry: boolean): void {
    if (this.#end(reason)) this.#owner.onLost(reason, mayRetry);
  }

  /** Whether it was not over yet. */
  #end(reason: TautlineError): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#deadline.cancel();
    const connection = this.#connection;
    if (connection !== undefined) {
      connection.close(normalClosure, "");
      // The welcome may have been on its way: only a refusal says that nothing was started.
      this.#calls.detach(connection, reason, { started: this.#refusal === undefined });
    }
    return true;
  }
}

async function provide<T>(provided: Provided<T>): Promise<T> {
  return typeof provided === "function" ? await (provided as () => T | Promise<T>)() : provided;
}

export function connectionClosed(message: string): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message });
}
