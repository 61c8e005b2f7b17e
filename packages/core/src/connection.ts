import * as closeCode from "./close-code.ts";
import { type BinaryDecoder, decodeFrame, type ParseJson } from "./codec.ts";
import { TautlineError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { Outbox } from "./outbox.ts";
import type { MessagePipe } from "./pipe.ts";
import { badMessage, type Message, type MessageTable } from "./protocol.ts";
import type { OutgoingMessage } from "./shared-message.ts";
import type { Socket } from "./socket.ts";

export interface ConnectionHandlers {
  /**
   * @param length of the message, as its credit counts it: what shares a frame with others is short.
   * @throws TautlineError `BAD_MESSAGE` to have the connection closed.
   */
  onMessage(message: Message, length: number): void;
  /** A frame of this length was taken whole. */
  onFrame?(length: number): void;
  /** The other side broke the protocol, or a handler failed; the connection is closed already. */
  onError(error: TautlineError): void;
}

/** How frames are read, and when what was sent leaves. */
export interface FrameReader {
  /** The messages that are taken. */
  readonly table: MessageTable;
  /** `parseStrictly` where the other side is a stranger. Default JSON.parse. */
  readonly parse?: ParseJson | undefined;
  /** Reads binary frames. Default: one is a bad message. */
  readonly decodeBinary?: BinaryDecoder | undefined;
  /** Resolves when the rest of the process has had its turn: a burst of messages leaves then. Default: microtasks tell. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/** One socket, from open to close: messages go in and out, frames are its own affair. */
export class Connection implements MessagePipe {
  readonly #socket: Socket;
  readonly #handlers: ConnectionHandlers;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  #open = true;
  #quietBeats = 0;

  constructor(socket: Socket, handlers: ConnectionHandlers, reader: FrameReader) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#reader = reader;
    this.#outbox = new Outbox(socket, reader.turn);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Takes an encoded message; it leaves with whatever else is sent in this turn. */
  send(message: OutgoingMessage): void {
    if (this.#open) this.#outbox.push(message);
  }

  drained(): Promise<void> | undefined {
    return this.#open ? this.#socket.drained?.() : undefined;
  }

  /** Counts a beat of the heartbeat in which no frame came; returns how many there were in a row. */
  countQuietBeat(): number {
    return ++this.#quietBeats;
  }

  /** Takes a frame. Every inbound byte enters here; nothing is thrown. */
  receive(frame: Frame): void {
    this.#quietBeats = 0;
    try {
      const messages = this.decode(frame);
      const length = messages.length === 1 ? frame.length : 0;
      for (const message of messages) {
        if (!this.#open) return;
        this.#handlers.onMessage(message, length);
      }
      this.#handlers.onFrame?.(frame.length);
    } catch (thrown) {
      this.fail(TautlineError.from(thrown));
    }
  }

  decode(frame: Frame): Message[] {
    const { table, parse, decodeBinary } = this.#reader;
    if (typeof frame === "string") return decodeFrame(frame, table, parse);
    if (decodeBinary === undefined) throw badMessage("a binary frame");
    return decodeBinary(frame, table, parse);
  }

  /** Closes because of an error, and tells the owner. */
  fail(error: TautlineError): void {
    if (!this.#open) return;
    const bad = error.code === "BAD_MESSAGE";
    this.close(bad ? closeCode.badMessage : closeCode.internalError, bad ? error.message : "internal error");
    this.#handlers.onError(error);
  }

  /** Sends what waits and closes the socket. Idempotent. */
  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#outbox.flush();
    this.#open = false;
    this.#socket.close(code, reason.slice(0, 120));
  }

  /** The socket is gone: what waits is forgotten. */
  onClosed(): void {
    this.#open = false;
    this.#outbox.discard();
  }
}
