import { joinedFrameLength } from "./options.ts";
import type { OutgoingMessage } from "./shared-message.ts";
import type { FrameSink } from "./socket.ts";

/** A message longer than this, without its frame's brackets, goes at once, in a frame of its own. */
export const joinLimitLength: number = joinedFrameLength - 2;
/** A frame of joined messages is sent when it has grown past this. */
const frameLimitLength = 32 * 1024;
const frameLimitMessages = 1024;
/**
 * A frame is sent after this many microtasks in which nothing was added: handlers of one turn answer a few microtasks apart, a
 * generator yields every three. A microtask costs about 40 ns, a frame's system call more than 3 µs.
 */
const quietMicrotasks = 8;
/** Where so many wait, more are on their way: they wait for the turn's end, since looking in each microtask until then was a tenth of their cost. */
const burstMessages = 16;
/** A promise's reaction is a bare microtask; Node's queueMicrotask adds an async resource, and costs three times as much. */
const settled: Promise<void> = Promise.resolve();

/** Joins what is sent to one peer in one turn of the event loop into one frame. Order is kept. */
export class Outbox {
  readonly #socket: FrameSink;
  #count = 0;
  #pending = "";
  /** Microtasks since something was added. */
  #quiet = 0;
  #scheduled = false;
  readonly #turn: (() => Promise<void>) | undefined;

  /** @param turn resolves when this turn of the event loop is over; left out where nobody can tell. */
  constructor(socket: FrameSink, turn?: () => Promise<void>) {
    this.#socket = socket;
    this.#turn = turn;
  }

  push(message: OutgoingMessage): void {
    if (typeof message !== "string" || message.length > joinLimitLength) {
      this.flush();
      return this.#socket.send(typeof message === "string" ? `[${message}]` : message);
    }
    this.#pending += (this.#count++ === 0 ? "[" : ",") + message;
    this.#quiet = 0;
    if (this.#pending.length > frameLimitLength || this.#count === frameLimitMessages) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      void settled.then(this.#look);
    }
  }

  /** Sends what waits, now. */
  flush(): void {
    if (this.#count === 0) return;
    const frame = `${this.#pending}]`;
    this.discard();
    this.#socket.send(frame);
  }

  /** Forgets what waits: its connection is gone. */
  discard(): void {
    this.#pending = "";
    this.#count = 0;
  }

  readonly #look = (): void => {
    if (this.#count >= burstMessages && this.#turn !== undefined) void this.#turn().then(this.#sendAll);
    else if (this.#count > 0 && this.#quiet++ < quietMicrotasks) void settled.then(this.#look);
    else this.#sendAll();
  };

  readonly #sendAll = (): void => {
    this.#scheduled = false;
    this.flush();
  };
}
