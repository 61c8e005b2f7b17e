/** A message longer than this goes at once, in a frame of its own: joining large messages was measured to be slower. */
export const joinLimitLength = 1024;
/** A frame of joined messages is sent when it has grown past this. */
const frameLimitLength = 32 * 1024;
const frameLimitMessages = 1024;
/**
 * A frame is sent after this many microtasks in which nothing was added: handlers of one turn answer a few microtasks apart, a
 * generator yields every three. A microtask costs about 20 ns, a frame's system call more than 3 µs.
 */
const quietMicrotasks = 8;

/** Joins what is sent to one peer in one turn of the event loop into one frame. Order is kept. */
export class Outbox {
  readonly #sendFrame: (frame: string) => void;
  readonly #onMicrotask: () => void;
  #pending = "";
  #count = 0;
  #countSeen = 0;
  #quiet = 0;
  #scheduled = false;

  /** @param sendFrame takes a frame's text. */
  constructor(sendFrame: (frame: string) => void) {
    this.#sendFrame = sendFrame;
    this.#onMicrotask = () => this.#look();
  }

  /** Takes an encoded message. */
  push(message: string): void {
    if (message.length > joinLimitLength) {
      this.flush();
      this.#sendFrame(`[${message}]`);
      return;
    }
    this.#pending += this.#count === 0 ? `[${message}` : `,${message}`;
    this.#count++;
    if (this.#pending.length > frameLimitLength || this.#count >= frameLimitMessages) this.flush();
    else if (!this.#scheduled) this.#schedule();
  }

  /** Sends what waits, now. */
  flush(): void {
    if (this.#count === 0) return;
    const frame = `${this.#pending}]`;
    this.discard();
    this.#sendFrame(frame);
  }

  /** Forgets what waits: its connection is gone. */
  discard(): void {
    this.#pending = "";
    this.#count = 0;
    this.#countSeen = 0;
  }

  #schedule(): void {
    this.#scheduled = true;
    this.#quiet = 0;
    queueMicrotask(this.#onMicrotask);
  }

  #look(): void {
    if (this.#count > this.#countSeen) this.#quiet = 0;
    this.#countSeen = this.#count;
    if (this.#count > 0 && this.#quiet++ < quietMicrotasks) {
      queueMicrotask(this.#onMicrotask);
      return;
    }
    this.#scheduled = false;
    this.flush();
  }
}
