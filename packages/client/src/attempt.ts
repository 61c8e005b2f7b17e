import { TautlineError } from "@tautline/core";
import {
  badMessage,
  closeCode,
  Connection,
  type Deadline,
  type Deadlines,
  encodeMessage,
  isPeerMessage,
  type Message,
  mayReconnect,
  messageType,
  type Peer,
  type PeerMessage,
  protocolVersion,
} from "@tautline/core/internals";
import { WebSocket as DefaultWebSocket } from "#web-socket";
import { type ConnectionOptions, defaultConnectTimeoutMs, type Provided } from "./options.ts";
import { openSocket, type WebSocketLike } from "./web-socket.ts";

/** What an attempt is given, and whom it tells. */
export interface AttemptOwner {
  readonly options: ConnectionOptions;
  readonly peer: Peer;
  readonly deadlines: Deadlines;
  /** Reads the shape of the server's refusal. */
  readError(shape: unknown): TautlineError;
  onWelcome(): void;
  onLost(reason: TautlineError, mayRetry: boolean): void;
}

/** One socket: from looking up its URL to its end. After `abandon` it is not heard of again. */
export class Attempt {
  readonly #owner: AttemptOwner;
  readonly #deadline: Deadline | undefined = undefined;
  #socket: WebSocketLike | undefined = undefined;
  #connection: Connection | undefined = undefined;
  #welcomed = false;
  #refusal: TautlineError | undefined = undefined;
  #over = false;

  constructor(owner: AttemptOwner) {
    this.#owner = owner;
    const { connectTimeoutMs = defaultConnectTimeoutMs } = owner.options;
    if (connectTimeoutMs !== Number.POSITIVE_INFINITY) {
      this.#deadline = owner.deadlines.add(connectTimeoutMs, () => this.#lose(lost("the server did not answer"), true));
    }
    this.#open().catch((thrown: unknown) => this.#onFailed(TautlineError.from(thrown)));
  }

  abandon(): void {
    if (this.#over) return;
    this.#end();
    this.#detach(lost("the connection was closed"));
  }

  async #open(): Promise<void> {
    const { url, connectionParams, WebSocket = DefaultWebSocket } = this.#owner.options;
    const [address, params] = await Promise.all([provide(url), provide(connectionParams)]);
    if (this.#over) return;
    const socket = openSocket(WebSocket, address);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#onOpen(socket, params));
    socket.addEventListener("message", ({ data }) => this.#onFrame(data));
    socket.addEventListener("close", ({ code, reason }) => this.#onClose(code, reason));
    // `close` follows, and says more.
    socket.addEventListener("error", () => {});
  }

  #onOpen(socket: WebSocketLike, params: unknown): void {
    if (this.#over) return;
    const connection = new Connection(
      {
        send: (frame) => socket.send(frame),
        close: (code, reason) => socket.close(code === closeCode.normal || code >= 3000 ? code : 4000, reason),
        drained: () => undefined,
      },
      { onMessage: (message) => this.#onMessage(message), onError: (error) => this.#lose(error, false) },
    );
    this.#connection = connection;
    connection.send(encodeMessage([messageType.hello, protocolVersion, params === undefined ? {} : { params }]));
    this.#owner.peer.attach(connection);
  }

  #onFrame(data: unknown): void {
    if (typeof data === "string") this.#connection?.receive(data);
    else this.#connection?.fail(badMessage("a binary frame"));
  }

  #onMessage(message: Message): void {
    if (isPeerMessage(message)) return this.#receive(message);
    if (message[0] === messageType.welcome && !this.#welcomed) {
      this.#welcomed = true;
      this.#deadline?.cancel();
      this.#owner.onWelcome();
    } else if (message[0] === messageType.refused) {
      this.#refusal = this.#owner.readError(message[1]);
    } else throw badMessage("unexpected message");
  }

  #receive(message: PeerMessage): void {
    if (this.#connection !== undefined) this.#owner.peer.receive(message, this.#connection);
  }

  /** An address that is none stays none; what looking up the credentials threw may pass. */
  #onFailed(error: TautlineError): void {
    this.#lose(error, error.code !== "BAD_REQUEST");
  }

  #onClose(code: number, reason: string): void {
    const cause = this.#refusal ?? lost(`the connection was closed (${code}${reason === "" ? "" : `: ${reason}`})`);
    this.#lose(cause, mayReconnect(code));
  }

  #lose(reason: TautlineError, mayRetry: boolean): void {
    if (this.#over) return;
    this.#end();
    this.#detach(reason);
    this.#owner.onLost(reason, mayRetry);
  }

  /** The welcome may have been on its way: only a refusal says that nothing was started. */
  #detach(reason: TautlineError): void {
    if (this.#connection === undefined) return;
    this.#owner.peer.detach(this.#connection, reason, { started: this.#refusal === undefined });
  }

  #end(): void {
    this.#over = true;
    this.#deadline?.cancel();
    if (this.#connection === undefined) this.#socket?.close();
    else this.#connection.close(closeCode.normal, "");
  }
}

async function provide<T>(provided: Provided<T>): Promise<T> {
  return typeof provided === "function" ? await (provided as () => T | Promise<T>)() : provided;
}

function lost(message: string): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message });
}
