import type { OutgoingMessage } from "./shared-message.ts";

/**
 * Messages that were sent and not yet acknowledged, by their place in the run of all messages sent. Encoded messages are held by
 * reference. Over its limit the oldest are let go: who then needs them cannot be helped.
 */
export class ReplayBuffer {
  readonly #maxLength: number;
  /** From position `#first` on. Up to half of them are let go already, so that the array moves up seldom. */
  readonly #messages: (OutgoingMessage | undefined)[] = [];
  #first = 0;
  #start = 0;
  #length = 0;

  /** @param maxLength in bytes, and UTF-16 units of text: a byte each in JSON, but for other alphabets. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** How many messages were ever pushed. */
  get end(): number {
    return this.#first + this.#messages.length;
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
    this.#messages.push(message);
    this.#length += message.length;
    while (this.#length > this.#maxLength && this.#start < this.end - 1) this.trim(this.#start + 1);
  }

  /** Lets go of every message before `position`, which is no further than `end`. */
  trim(position: number): void {
    for (; this.#start < position; this.#start++) {
      const index = this.#start - this.#first;
      this.#length -= this.#messages[index]?.length ?? 0;
      this.#messages[index] = undefined;
    }
    const gone = this.#start - this.#first;
    if (gone * 2 < this.#messages.length) return;
    this.#messages.splice(0, gone);
    this.#first = this.#start;
  }

  /** Hands over what is kept, oldest first; also where some of it is let go meanwhile. */
  replay(send: (message: OutgoingMessage) => void): void {
    for (const message of this.#messages.slice()) if (message !== undefined) send(message);
  }
}
