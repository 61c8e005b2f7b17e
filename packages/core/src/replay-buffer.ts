import type { OutgoingMessage } from "./shared-message.ts";

interface Kept {
  message: OutgoingMessage;
  next: Kept | undefined;
}

/**
 * Messages that were sent and not yet acknowledged, by their place in the run of all messages sent. Encoded messages are held by
 * reference. Over its limit the oldest are let go: who then needs them cannot be helped.
 */
export class ReplayBuffer {
  readonly #maxLength: number;
  /** Let go; what is kept follows it. */
  #gone: Kept = { message: "", next: undefined };
  #newest: Kept = this.#gone;
  #start = 0;
  #end = 0;
  #length = 0;

  /** @param maxLength in bytes, and UTF-16 units of text: a byte each in JSON, but for other alphabets. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** How many messages were ever pushed. */
  get end(): number {
    return this.#end;
  }

  /** The position of the oldest message that is kept. */
  get start(): number {
    return this.#start;
  }

  /** How much is kept, in bytes, and UTF-16 units of text. */
  get length(): number {
    return this.#length;
  }

  push(message: OutgoingMessage): void {
    this.#newest = this.#newest.next = { message, next: undefined };
    this.#end++;
    this.#length += message.length;
    while (this.#length > this.#maxLength && this.#end - this.#start > 1) this.trim(this.#start + 1);
  }

  /** Lets go of every message before `position`, which is no further than `end`. */
  trim(position: number): void {
    for (let { next } = this.#gone; this.#start < position && next !== undefined; next = next.next) {
      this.#start++;
      this.#length -= next.message.length;
      next.message = "";
      // An old object that points to a young one makes the collector keep that, and whatever follows it.
      this.#gone.next = undefined;
      this.#gone = next;
    }
  }

  /** Hands over what is kept, oldest first; also where some of it is let go meanwhile. */
  replay(send: (message: OutgoingMessage) => void): void {
    for (let { next } = this.#gone; next !== undefined; ) {
      const { message } = next;
      next = next.next;
      send(message);
    }
  }
}
