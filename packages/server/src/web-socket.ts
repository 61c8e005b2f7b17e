import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type OutgoingFrame, SharedMessage, subprotocol } from "@tautline/core/internals";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { closeTimeoutMs } from "./options.ts";
import type { ServerSocket, SocketEvents } from "./server-connection.ts";
import { encodeWebSocketFrame } from "./web-socket-frame.ts";

/** Upgrades requests to WebSockets; the one file that knows `ws`. */
export class Upgrader {
  readonly #server: WebSocketServer;
  readonly #highWaterBytes: number;

  constructor(limits: { maxFrameBytes: number; highWaterBytes: number }) {
    this.#highWaterBytes = limits.highWaterBytes;
    // Not in @types/ws yet.
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: limits.maxFrameBytes,
      perMessageDeflate: false,
      closeTimeout: closeTimeoutMs,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    };
    this.#server = new WebSocketServer(options);
  }

  /** Answers a request that is no proper WebSocket handshake with 400, any other with a socket. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, onSocket: (socket: WsSocket) => void): void {
    this.#server.handleUpgrade(request, stream, head, (webSocket) => {
      onSocket(new WsSocket(webSocket, stream, this.#highWaterBytes));
    });
  }
}

/** The client broke the WebSocket protocol, or a limit of it (RFC 6455, section 7.4.1). */
const protocolError = 1002;

/** A WebSocket of `ws` as the core knows sockets. */
export class WsSocket implements ServerSocket {
  readonly #webSocket: WebSocket;
  readonly #stream: Duplex;
  readonly #highWaterBytes: number;
  /** Whether an extension changes what is written. */
  readonly #extended: boolean;
  #drained: Promise<void> | undefined = undefined;
  #onDrained: (() => void) | undefined = undefined;

  constructor(webSocket: WebSocket, stream: Duplex, highWaterBytes: number) {
    this.#webSocket = webSocket;
    this.#stream = stream;
    this.#highWaterBytes = highWaterBytes;
    this.#extended = webSocket.extensions !== "";
  }

  listen(events: SocketEvents): void {
    const webSocket = this.#webSocket;
    webSocket.on("message", (data: Buffer<ArrayBuffer>, isBinary) => {
      events.onFrame(isBinary ? data : data.toString());
      this.#pauseUntilDrained();
    });
    let broken = false;
    webSocket.on("close", (code) => {
      this.#release();
      events.onClosed(broken ? protocolError : code);
    });
    // Without a listener one malformed frame would end the process; `close` follows, and does not say that there was one.
    webSocket.on("error", (error: Error & { readonly code?: unknown }) => {
      broken ||= String(error.code).startsWith("WS_ERR_");
    });
  }

  send(frame: OutgoingFrame): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    if (frame instanceof SharedMessage) this.#sendShared(frame);
    else this.#webSocket.send(frame);
  }

  /**
   * Writes a frame that was made once for all who get it. `ws` makes no difference between its writes and ours: with no extension it
   * writes each frame whole, in the call that sends it.
   */
  #sendShared(message: SharedMessage): void {
    if (this.#extended) return this.#webSocket.send(message.frame);
    message.wire ??= encodeWebSocketFrame(message.frame);
    this.#stream.write(message.wire);
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.#webSocket.terminate();
  }

  /** In bytes, counted when a write of them is done. */
  get taken(): number | undefined {
    const { writableLength, bytesWritten = 0 } = this.#stream as Duplex & { readonly bytesWritten?: number };
    return writableLength === 0 ? undefined : bytesWritten - writableLength;
  }

  drained(): Promise<void> | undefined {
    if (this.#webSocket.bufferedAmount < this.#highWaterBytes) return undefined;
    this.#drained ??= new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#stream.once("drain", () => this.#release());
    });
    return this.#drained;
  }

  /** Whoever does not read its answers is not read either: else calls would fill the memory with them. */
  #pauseUntilDrained(): void {
    const drained = this.drained();
    if (drained === undefined || this.#webSocket.isPaused) return;
    this.#webSocket.pause();
    void drained.then(() => this.#webSocket.resume());
  }

  #release(): void {
    this.#onDrained?.();
    this.#onDrained = undefined;
    this.#drained = undefined;
  }
}
