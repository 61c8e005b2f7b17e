import { Credit, costOf } from "./credit.ts";
import { badMessage } from "./protocol.ts";
import type { PumpTarget } from "./pump.ts";

/** What a stream is sent through. */
export interface StreamLink {
  /** Sends an item, and returns the length of its frame. @throws TautlineError where it cannot be encoded. */
  sendItem(stream: number, value: unknown): number;
  /** Ends a stream: with an error's shape where it has failed. */
  sendEnd(stream: number, shape?: unknown): void;
  /** Resolves when the connection takes more; undefined while it does. */
  drained(stream: number): Promise<void> | undefined;
  /** The receiver has taken some of it. */
  onTaken(stream: OutgoingStream): void;
  /** The stream is over at this end. */
  onOver(stream: OutgoingStream): void;
}

export interface OutgoingStreamOptions {
  /** Which of its call's streams in this direction it is, counted from 1. */
  readonly number: number;
  /** How many bytes it will be, where that is known. */
  readonly size: number | undefined;
  /** What may be sent before the receiver has said anything, in bytes. */
  readonly granted: number;
}

/** A sender's end of one stream. It ends once: by itself, with an error, or because nobody takes more. */
export class OutgoingStream implements PumpTarget {
  readonly number: number;
  readonly size: number | undefined;
  /** About how much of it the receiver has taken, in bytes: those of its items where they are bytes, else those of their frames. */
  taken = 0;
  onAborted: (() => void) | undefined = undefined;
  readonly #link: StreamLink;
  readonly #credit: Credit;
  /** What was sent, in bytes. */
  #bytes = 0;
  #settled = false;

  constructor(link: StreamLink, { number, size, granted }: OutgoingStreamOptions) {
    this.number = number;
    this.size = size;
    this.#link = link;
    this.#credit = new Credit(granted);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** What opened it has said so. */
  sendStarted(): void {}

  /**
   * Returns the length of the item's frame.
   *
   * @param bytes how many the item is, where it is bytes.
   * @throws TautlineError where the value cannot be encoded; the stream then still stands.
   */
  sendItem(value: unknown, bytes?: number): number {
    if (this.#settled) return 0;
    const frameLength = this.#link.sendItem(this.number, value);
    this.#credit.spend(costOf(frameLength));
    this.#bytes += bytes ?? frameLength;
    return frameLength;
  }

  sendEnd(): void {
    if (this.#settled) return;
    this.#link.sendEnd(this.number);
    this.#settle();
  }

  /** @throws TautlineError where the shape cannot be encoded. */
  sendError(shape: unknown): void {
    if (this.#settled) return;
    this.#link.sendEnd(this.number, shape);
    this.#settle();
  }

  ready(): Promise<void> | undefined {
    return this.#settled ? undefined : (this.#credit.granted() ?? this.#link.drained(this.number));
  }

  /**
   * @param taken what the items that the receiver has taken count.
   * @throws TautlineError `BAD_MESSAGE` where credit does not grow, or more was taken than was sent.
   */
  onCredit(total: number, taken = 0): void {
    const { spent } = this.#credit;
    if (taken > spent) throw badMessage("taken before it was sent");
    this.#credit.grant(total);
    // Credit counts small items as less or more than they are; those of one stream are mostly alike.
    this.#onTaken(Math.round((taken / Math.max(spent, 1)) * this.#bytes));
  }

  /** The receiver is done with all that was sent. */
  onAllTaken(): void {
    this.#onTaken(this.#bytes);
  }

  /** Ends it without a word: nobody takes more. */
  abort(): void {
    if (this.#settled) return;
    this.#settle();
    this.onAborted?.();
  }

  #onTaken(bytes: number): void {
    if (bytes <= this.taken) return;
    this.taken = bytes;
    this.#link.onTaken(this);
  }

  #settle(): void {
    this.#settled = true;
    this.#link.onOver(this);
  }
}
