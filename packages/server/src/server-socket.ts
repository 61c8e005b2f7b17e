import type { Frame, Socket } from "@tautline/core/internals";

/** What the owner of a socket hears from it. */
export interface SocketEvents {
  onFrame(frame: Frame): void;
  /** The socket is gone. 1006 where it went without a word (RFC 6455, section 7.1.5). */
  onClosed(code: number): void;
}

/** A socket that a client has opened: a WebSocket, or one in memory. */
export interface ServerSocket extends Socket {
  /** Called once, in the turn in which the socket was handed over. */
  listen(events: SocketEvents): void;
  /** How much of what was sent has left for the system, in whatever the socket counts; undefined where nothing waits to leave. */
  readonly taken: number | undefined;
  /** Reads no further until `resume`: what the client sends stays on its way, and fills that. */
  pause(): void;
  resume(): void;
  /** Ends the connection without a word. */
  terminate(): void;
}
