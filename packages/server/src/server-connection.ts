import type { IncomingMessage } from "node:http";
import { TautlineError } from "@tautline/core";
import {
  badMessage,
  type CallServer,
  closeCode,
  Connection,
  type ConnectionHandlers,
  type Deadline,
  type Deadlines,
  encodeMessage,
  type HelloMessage,
  type IncomingCall,
  IncomingCalls,
  isPeerMessage,
  type Message,
  messageType,
  Peer,
  parseStrictly,
  protocolVersion,
} from "@tautline/core/internals";
import { TRPCError } from "@trpc/server";
import { parseConnectionParamsFromUnknown } from "@trpc/server/http";
import type { Dispatch } from "./dispatch.ts";
import { requestUrl } from "./handshake.ts";
import type { ConnectionLimits, CreateContextOptions } from "./options.ts";
import { toTRPCError } from "./trpc-error.ts";
import type { WsSocket } from "./web-socket.ts";

/** What a server's connections share. */
export interface ConnectionHost {
  readonly dispatch: Dispatch;
  readonly deadlines: Deadlines;
  readonly limits: ConnectionLimits;
  readonly createContext: ((options: CreateContextOptions) => unknown) | undefined;
  /** The connection is gone. */
  onClosed(connection: ServerConnection): void;
}

type Phase = "greeting" | "opening" | "open" | "draining" | "closed";

/** The server's end of one connection: hello, context, welcome, then calls. */
export class ServerConnection implements ConnectionHandlers, CallServer {
  readonly #host: ConnectionHost;
  readonly #socket: WsSocket;
  readonly #scope: { ctx: unknown; readonly req: IncomingMessage };
  readonly #connection: Connection;
  readonly #peer: Peer;
  readonly #calls: IncomingCalls;
  /** Calls that came before the context stood. The peer's limits bound them. */
  #waiting: IncomingCall[] = [];
  #phase: Phase = "greeting";
  #deadline: Deadline;
  #gone: AbortController | undefined = undefined;

  constructor(host: ConnectionHost, socket: WsSocket, request: IncomingMessage) {
    this.#host = host;
    this.#socket = socket;
    this.#scope = { ctx: undefined, req: request };
    this.#connection = new Connection(socket, this, (text) => parseStrictly(text, host.limits.maxDepth));
    this.#calls = new IncomingCalls(this.#connection, this, host.limits);
    this.#peer = new Peer({ serve: () => this.#calls });
    this.#peer.attach(this.#connection);
    this.#deadline = this.#startDeadline();
    socket.listen({
      onFrame: (frame) => this.#connection.receive(frame),
      onBinaryFrame: () => this.#connection.fail(badMessage("version 1 has no binary frames yet")),
      onClosed: () => this.#onClosed(),
    });
  }

  onMessage(message: Message): void {
    if (this.#phase === "greeting") {
      if (message[0] !== messageType.hello) throw badMessage("the first message is hello");
      this.#onHello(message);
    } else if (isPeerMessage(message)) {
      this.#peer.receive(message, this.#connection);
    } else {
      throw badMessage("only the first message is hello");
    }
  }

  onError(error: TautlineError): void {
    this.#host.dispatch.report(toTRPCError(error), undefined, this.#scope);
  }

  onCall(call: IncomingCall): void {
    if (this.#phase === "opening") this.#waiting.push(call);
    else if (this.#phase === "draining") this.onRefused(call, goingAway());
    else this.#host.dispatch.run(call, this.#scope);
  }

  onRefused(call: IncomingCall, error: TautlineError): void {
    this.#host.dispatch.fail(call, error, this.#scope);
  }

  onSettled(): void {
    if (this.#phase === "draining" && this.#calls.calls === 0) this.close();
  }

  /** Refuses new calls, and closes when what runs has finished. Subscriptions go on until then. */
  drain(): void {
    if (this.#phase === "open" && this.#calls.calls > 0) this.#phase = "draining";
    else this.close();
  }

  close(): void {
    this.#connection.close(closeCode.goingAway, "server closing");
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #onHello([, version, { params }]: HelloMessage): void {
    if (version !== protocolVersion) throw badMessage(`version ${version} is not known here`);
    this.#phase = "opening";
    this.#restartDeadline();
    // The promise is settled below whatever createContext does.
    void this.#open(params);
  }

  async #open(params: unknown): Promise<void> {
    try {
      const connectionParams = parseConnectionParamsFromUnknown(params ?? null);
      this.#scope.ctx = await this.#host.createContext?.({ req: this.#scope.req, info: this.#info(connectionParams) });
      this.#onContext();
    } catch (thrown) {
      this.#refuse(toTRPCError(thrown));
    }
  }

  #onContext(): void {
    if (this.#phase !== "opening") return;
    this.#phase = "open";
    this.#deadline.cancel();
    this.#connection.send(encodeMessage([messageType.welcome, {}]));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) if (!call.settled) this.onCall(call);
  }

  #refuse(error: TRPCError): void {
    if (this.#phase !== "opening") return;
    const { dispatch } = this.#host;
    dispatch.report(error, undefined, this.#scope);
    const shape = dispatch.encodeError(error, undefined, this.#scope);
    this.#connection.send(encodeMessage([messageType.refused, shape]));
    this.#connection.close(refusalCode(error), error.code);
  }

  #info(connectionParams: CreateContextOptions["info"]["connectionParams"]): CreateContextOptions["info"] {
    const signal = (): AbortSignal => this.#goneSignal();
    return {
      connectionParams,
      accept: null,
      type: "unknown",
      isBatchCall: false,
      calls: [],
      url: requestUrl(this.#scope.req),
      get signal() {
        return signal();
      },
    };
  }

  #goneSignal(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#phase === "closed") this.#gone.abort(connectionLost());
    return this.#gone.signal;
  }

  #startDeadline(): Deadline {
    const { deadlines, limits } = this.#host;
    return deadlines.add(limits.helloTimeoutMs, () => this.#connection.close(closeCode.helloTimeout, "too slow"));
  }

  #restartDeadline(): void {
    this.#deadline.cancel();
    this.#deadline = this.#startDeadline();
  }

  #onClosed(): void {
    this.#phase = "closed";
    this.#deadline.cancel();
    this.#connection.onClosed();
    this.#waiting = [];
    this.#peer.close(connectionLost());
    this.#gone?.abort(connectionLost());
    this.#host.onClosed(this);
  }
}

function connectionLost(): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message: "the connection is gone" });
}

function goingAway(): TautlineError {
  return new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "the server is closing" });
}

function refusalCode(error: TRPCError): number {
  if (error.code === "UNAUTHORIZED") return closeCode.unauthorized;
  if (error.code === "FORBIDDEN") return closeCode.forbidden;
  return error.code === "PARSE_ERROR" ? closeCode.badMessage : closeCode.contextFailed;
}
