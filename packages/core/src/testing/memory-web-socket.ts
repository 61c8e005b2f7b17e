import type { Frame } from "../frame.ts";
import type { MemorySocket } from "./memory-link.ts";

/** What a listener of a {@link MemoryWebSocket} gets. */
export interface MemoryWebSocketEvents {
  open: Record<never, never>;
  error: Record<never, never>;
  message: { readonly data: unknown };
  close: { readonly code: number; readonly reason: string };
}

type Listeners = { [Type in keyof MemoryWebSocketEvents]: ((event: MemoryWebSocketEvents[Type]) => void)[] };

/** Readies a socket: `onOpen` and `onFailed` are for the network to call. */
export type Connect = (webSocket: MemoryWebSocket, url: string) => void;

/** As much of the browsers' WebSocket as clients use, over a {@link MemorySocket}. Its class is a network's `WebSocket`. */
export class MemoryWebSocket {
  /** As in browsers: 0 connecting, 1 open, 2 closing, 3 closed. */
  readyState = 0;
  readonly #listeners: Listeners = { open: [], error: [], message: [], close: [] };
  #socket: MemorySocket | undefined = undefined;

  constructor(connect: Connect, url: string) {
    connect(this, url);
  }

  addEventListener<Type extends keyof MemoryWebSocketEvents>(
    type: Type,
    listener: (event: MemoryWebSocketEvents[Type]) => void,
  ): void {
    this.#listeners[type].push(listener);
  }

  send(data: Frame): void {
    if (this.readyState === 1) this.#socket?.send(data);
  }

  close(code = 1005, reason = ""): void {
    if (this.readyState >= 2) return;
    if (this.#socket === undefined) return this.onFailed();
    this.readyState = 2;
    this.#socket.close(code, reason);
  }

  /** The other end has taken the connection; `onOpen` follows, unless it is gone before. */
  onAccepted(socket: MemorySocket): void {
    this.#socket = socket;
    socket.listen({
      onFrame: (data) => this.#emit("message", { data }),
      onClosed: (code, reason) => this.#end(code, reason),
    });
  }

  onOpen(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.#emit("open", {});
  }

  /** No connection came of it. */
  onFailed(): void {
    if (this.readyState === 3) return;
    this.readyState = 2;
    queueMicrotask(() => {
      this.#emit("error", {});
      this.#end(1006, "");
    });
  }

  #end(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#emit("close", { code, reason });
  }

  #emit<Type extends keyof MemoryWebSocketEvents>(type: Type, event: MemoryWebSocketEvents[Type]): void {
    for (const listener of this.#listeners[type]) listener(event);
  }
}
