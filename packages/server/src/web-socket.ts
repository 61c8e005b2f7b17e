import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type OutgoingFrame, plainFrame, SharedMessage, subprotocol } from "@tautline/core/internals";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { closeTimeoutMs } from "./options.ts";
import type { ServerSocket, SocketEvents } from "./server-socket.ts";
import { encodeWebSocketFrame } from "./web-socket-frame.ts";
import { type WireSocket, WriteBatch } from "./write-batch.ts";

/** Upgrades requests to WebSockets; the one file that knows `ws`. */
export class Upgrader {
  readonly #server: WebSocketServer;
  readonly #highWaterBytes: number;
  readonly #batch = new WriteBatch();

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
      onSocket(new WsSocket(webSocket, stream, this.#highWaterBytes, this.#batch));
    });
  }
}

/** The client broke the WebSocket protocol, or a limit of it (RFC 6455, section 7.4.1). */
const protocolError = 1002;

/** A WebSocket of `ws` as the core knows sockets. */
export class WsSocket implements ServerSocket, WireSocket {
  readonly #webSocket: WebSocket;
  readonly #stream: Duplex;
  readonly #batch: WriteBatch;
  /** Whether an extension changes what is written. */
  readonly #extended: boolean;
  /** While as much waits to leave as may. */
  #drained: Promise<void> | undefined = undefined;
  readonly #highWaterBytes: number;
  #onDrained: (() => void) | undefined = undefined;

  /** @param batch what all sockets of the server have in common. */
  constructor(webSocket: WebSocket, stream: Duplex, highWaterBytes: number, batch: WriteBatch = new WriteBatch()) {
    this.#webSocket = webSocket;
    this.#stream = stream;
    // With less to write a stream has nothing to say of draining.
    this.#highWaterBytes = Math.max(highWaterBytes, stream.writableHighWaterMark);
    this.#batch = batch;
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
    if (frame instanceof SharedMessage && !this.#extended) return this.#sendShared(frame);
    this.#batch.flush();
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    this.#webSocket.send(plainFrame(frame));
    this.#look();
  }

  /** A frame that is made once for all who get it. */
  #sendShared(message: SharedMessage): void {
    message.wire ??= encodeWebSocketFrame(message.frame);
    this.#batch.add(this, message.wire);
  }

  /**
   * Writes a whole frame past `ws`, which makes no difference between its writes and ours: with no extension it writes each frame
   * whole, in the call that sends it.
   */
  write(wire: Uint8Array): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    if (!this.#stream.write(wire)) this.#look();
  }

  close(code: number, reason: string): void {
    this.#batch.flush();
    this.#webSocket.close(code, reason);
    // The client's own word of goodbye comes last.
    this.#webSocket.resume();
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
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
    return this.#drained;
  }

  /** Looks at how much waits to leave. */
  #look(): void {
    if (this.#drained !== undefined || this.#stream.writableLength < this.#highWaterBytes) return;
    this.#drained = new Promise((resolve) => {
      this.#onDrained = resolve;
    });
    this.#stream.once("drain", () => this.#release());
  }

  /** Whoever does not read its answers is not read either: else calls would fill the memory with them. */
  #pauseUntilDrained(): void {
    if (this.#drained === undefined || this.#webSocket.isPaused) return;
    this.#webSocket.pause();
    void this.#drained.then(() => this.#webSocket.resume());
  }

  #release(): void {
    this.#onDrained?.();
    this.#onDrained = undefined;
    this.#drained = undefined;
  }
}
