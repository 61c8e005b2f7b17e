import type { OutgoingMessage } from "./shared-message.ts";

/** An array of up to so many slots is kept for what comes next, 1 kB at most: making it anew cost more than all the rest. */
const keptSlots = 128;

/**
 * Messages that were sent and not yet acknowledged, by their place in the run of all messages sent. Encoded messages are held by
 * reference. Over its limit the oldest are let go: who then needs them cannot be helped.
 */
export class ReplayBuffer {
  readonly #maxLength: number;
  #messages: OutgoingMessage[] = [];
  /** Where in `#messages` the first kept one stands; those before it wait for a cheap moment to be cut off. */
  #head = 0;
  /** Where the next one goes. */
  #tail = 0;
  /** How many messages were sent before the first kept one. */
  #first = 0;
  #length = 0;

  /** @param maxLength in bytes, and UTF-16 units of text: a byte each in JSON, but for other alphabets. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** How many messages were ever pushed. */
  get end(): number {
    return this.#first + this.#tail - this.#head;
  }

  /** The position of the oldest message that is kept. */
  get start(): number {
    return this.#first;
  }

  /** How much is kept, in bytes, and UTF-16 units of text. */
  get length(): number {
    return this.#length;
  }

  push(message: OutgoingMessage): void {
    this.#messages[this.#tail++] = message;
    this.#length += message.length;
    while (this.#length > this.#maxLength && this.end - this.#first > 1) this.trim(this.#first + 1);
  }

  /** Lets go of every message before `position`, which is no further than `end`. */
  trim(position: number): void {
    const messages = this.#messages;
    const head = this.#head + Math.max(0, position - this.#first);
    for (let index = this.#head; index < head; index++) {
      this.#length -= messages[index]?.length ?? 0;
      // The slot must not keep the message alive until it is cut off.
      messages[index] = "";
    }
    this.#first += head - this.#head;
    this.#head = head;
    this.#cutOff();
  }

  /** Hands over what is kept, oldest first; also where some of it is let go meanwhile. */
  replay(send: (message: OutgoingMessage) => void): void {
    for (let position = this.#first; position < this.end; position = Math.max(position + 1, this.#first)) {
      send(this.#messages[this.#head + position - this.#first] ?? "");
    }
  }

  /** Drops the slots of what was let go, now and then: each time would move all the others. */
  #cutOff(): void {
    if (this.#head === this.#tail) {
      if (this.#messages.length > keptSlots) this.#messages = [];
      this.#head = 0;
      this.#tail = 0;
    } else if (this.#head > 256 && this.#head * 2 > this.#tail) {
      this.#messages = this.#messages.slice(this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
  }
}
