import { Credit } from "./credit.ts";
import type { PumpTarget } from "./pump.ts";

/** What a stream is sent through. */
export interface StreamLink {
  /** Sends an item, and returns the length of its frame. @throws TautlineError where it cannot be encoded. */
  sendItem(stream: number, value: unknown): number;
  /** Ends a stream: with an error's shape where it has failed. */
  sendEnd(stream: number, shape?: unknown): void;
  /** Resolves when the connection takes more; undefined while it does. */
  drained(): Promise<void> | undefined;
  /** The stream is over at this end. */
  onOver(stream: number): void;
}

/** A sender's end of one stream. It ends once: by itself, with an error, or because nobody takes more. */
export class OutgoingStream implements PumpTarget {
  onAborted: (() => void) | undefined = undefined;
  readonly #number: number;
  readonly #link: StreamLink;
  readonly #credit: Credit;
  #settled = false;

  /** @param granted what may be sent before the receiver has said anything, in bytes. */
  constructor(number: number, link: StreamLink, granted: number) {
    this.#number = number;
    this.#link = link;
    this.#credit = new Credit(granted);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** What opens it has said so already. */
  sendStarted(): void {}

  /** Returns the length of the item's frame. @throws TautlineError where the value cannot be encoded; the stream then still stands. */
  sendItem(value: unknown): number {
    if (this.#settled) return 0;
    const frameLength = this.#link.sendItem(this.#number, value);
    this.#credit.spend(frameLength);
    return frameLength;
  }

  sendEnd(): void {
    if (this.#settled) return;
    this.#link.sendEnd(this.#number);
    this.#settle();
  }

  /** @throws TautlineError where the shape cannot be encoded. */
  sendError(shape: unknown): void {
    if (this.#settled) return;
    this.#link.sendEnd(this.#number, shape);
    this.#settle();
  }

  ready(): Promise<void> | undefined {
    return this.#settled ? undefined : (this.#credit.granted() ?? this.#link.drained());
  }

  /** @throws TautlineError `BAD_MESSAGE` where credit does not grow. */
  onCredit(total: number): void {
    this.#credit.grant(total);
  }

  /** Ends it without a word: nobody takes more. */
  abort(): void {
    if (this.#settled) return;
    this.#settle();
    this.onAborted?.();
  }

  #settle(): void {
    this.#settled = true;
    this.#link.onOver(this.#number);
  }
}
