import type { OutgoingFrame } from "./shared-message.ts";

/** Where frames leave. */
export interface FrameSink {
  send(frame: OutgoingFrame): void;
}

/** Anything that carries frames: a WebSocket, a MessagePort, an object in the same process. */
export interface Socket extends FrameSink {
  /** @param reason at most 123 bytes (RFC 6455, section 5.5.1). */
  close(code: number, reason: string): void;
  /** Resolves when more can be sent without growing memory; undefined while that is so. Left out: nobody can tell. */
  drained?(): Promise<void> | undefined;
}
