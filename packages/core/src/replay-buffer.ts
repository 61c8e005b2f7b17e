import type { OutgoingMessage } from "./shared-message.ts";

/** A ring with no more slots than this is kept while it is empty: those of whoever acknowledges in time never grow past it. */
const smallRing = 64;

/**
 * Messages that were sent and not yet acknowledged, by their place in the run of all messages sent. Encoded messages are held by
 * reference. Over its limit the oldest are let go: who then needs them cannot be helped.
 */
export class ReplayBuffer {
  readonly #maxLength: number;
  /** A power of two of them; the message at a position is in the slot of the position's lowest bits. */
  #ring: (OutgoingMessage | undefined)[] = [];
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

  /** Whether more than half of what can be kept is. */
  get halfFull(): boolean {
    return this.#length > this.#maxLength / 2;
  }

  push(message: OutgoingMessage): void {
    if (this.#end - this.#start === this.#ring.length) this.#grow();
    this.#ring[this.#slot(this.#end++)] = message;
    this.#length += message.length;
    while (this.#length > this.#maxLength && this.#end - this.#start > 1) this.trim(this.#start + 1);
  }

  /** Lets go of every message before `position`, which is no further than `end`. */
  trim(position: number): void {
    for (; this.#start < position; this.#start++) {
      const slot = this.#slot(this.#start);
      this.#length -= this.#ring[slot]?.length ?? 0;
      this.#ring[slot] = undefined;
    }
    if (this.#start === this.#end && this.#ring.length > smallRing) this.#ring = [];
  }

  /** Hands over what is kept, oldest first; also where some of it is let go meanwhile. */
  replay(send: (message: OutgoingMessage) => void): void {
    for (let position = this.#start; position < this.#end; position++) {
      const message = this.#ring[this.#slot(position)];
      if (message !== undefined) send(message);
    }
  }

  #slot(position: number): number {
    return position & (this.#ring.length - 1);
  }

  #grow(): void {
    const ring = Array.from<OutgoingMessage | undefined>({ length: this.#ring.length * 2 || 8 });
    for (let position = this.#start; position < this.#end; position++)
      ring[position & (ring.length - 1)] = this.#ring[this.#slot(position)];
    this.#ring = ring;
  }
}
