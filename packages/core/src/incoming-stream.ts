import { costOf, StreamWindow } from "./credit.ts";
import { TautlineError } from "./errors.ts";
import type { Budgeted, StreamBudget } from "./stream-budget.ts";
import { SubscriptionIterator } from "./subscription-iterator.ts";
import type { WindowSize } from "./window-size.ts";

/** A stream that comes from the other end: to be read once, with `for await` or `next`. Leaving the loop ends it there too. */
export interface Stream<Item> extends AsyncIterableIterator<Item, void> {
  /** How many bytes it will be, where its sender knew (of a Blob, a File). */
  readonly size: number | undefined;
}

/** What a stream is received through. */
export interface StreamReader {
  /** So much may be sent in all, and so much was taken; both as credit counts it. */
  sendCredit(stream: number, total: number, taken: number): void;
  /** Nobody takes more. */
  sendStop(stream: number): void;
  /** A value as it was meant. @throws what the transformer throws. */
  read(value: unknown): unknown;
  /** Some of it has been taken. */
  onTaken(stream: IncomingStream): void;
  /** The stream is over at this end. */
  onOver(stream: IncomingStream): void;
}

export interface IncomingStreamOptions {
  /** Which of its call's streams in this direction it is, counted from 1. */
  readonly number: number;
  readonly size: number | undefined;
  /** How much may be sent and not taken. */
  readonly window: WindowSize;
  /** How much of that the sender takes as granted before it is told. */
  readonly granted: number;
  /** Has a window for it, or will have. Left out: its own is. */
  readonly budget?: StreamBudget | undefined;
}

/** A receiver's end of one stream. Items wait here, no more than its window allows, until they are asked for. */
export class IncomingStream extends SubscriptionIterator implements Stream<unknown>, Budgeted {
  readonly number: number;
  readonly size: number | undefined;
  /** How much was taken, in bytes: those of the items where they are bytes, else about those of their frames. */
  taken = 0;
  readonly #reader: StreamReader;
  readonly #window: StreamWindow;
  readonly #size: WindowSize;
  /** Undefined where nothing is claimed of it. */
  #budget: StreamBudget | undefined;
  /** Items that have come and were not taken. */
  #kept = 0;
  /** How often its reader has asked for an item and not been given one. */
  #asked = 0;
  #over = false;

  constructor(reader: StreamReader, { number, size, window, granted, budget }: IncomingStreamOptions) {
    super();
    this.number = number;
    this.size = size;
    this.#reader = reader;
    this.#size = window;
    this.#budget = budget;
    this.#window = new StreamWindow(budget?.claim(this) === false ? undefined : window, granted);
    this.onReturn = () => this.#stop();
    this.#grant(this.#window.open());
  }

  override next(): Promise<IteratorResult<unknown, void>> {
    this.#asked++;
    const next = super.next();
    this.#ask();
    return next;
  }

  onWindow(): void {
    this.#grant(this.#window.widen(this.#size));
  }

  /** What it was to keep is others' now. Idempotent. */
  release(): void {
    this.#budget?.release(this);
    this.#budget = undefined;
  }

  /** One that cannot be read ends the stream. @throws TautlineError `BAD_MESSAGE` where there was no credit for it. */
  onItem(value: unknown, frameLength: number): void {
    this.#window.receive(frameLength, this.#asked > 0 && this.#kept === 0);
    if (this.#over) return;
    let item: unknown;
    try {
      item = this.#reader.read(value);
    } catch (cause) {
      return this.refuse(new TautlineError({ code: "PARSE_ERROR", message: "unreadable value", cause }));
    }
    this.#kept++;
    this.push(item, () => {
      this.#kept--;
      this.#asked--;
      this.taken += item instanceof Uint8Array ? item.length : costOf(frameLength);
      this.#reader.onTaken(this);
      if (!this.#over) this.#grant(this.#window.take(frameLength));
      else if (this.#kept === 0) this.release();
    });
    this.#ask();
  }

  /** It is over at the other end; what has come is still there to be taken. */
  close(error?: TautlineError): void {
    if (this.#settle()) this.end(error);
  }

  /** What comes cannot be taken. */
  refuse(error: TautlineError): void {
    if (!this.#settle()) return;
    this.#reader.sendStop(this.number);
    this.end(error);
  }

  #stop(): void {
    this.release();
    if (this.#settle()) this.#reader.sendStop(this.number);
  }

  /** Where nothing was granted for it beforehand, what its reader waits for is. */
  #ask(): void {
    if (this.#asked > 0 && !this.#over) this.#grant(this.#window.ask());
  }

  #grant(total: number | undefined): void {
    if (total !== undefined) this.#reader.sendCredit(this.number, total, this.#window.taken);
  }

  #settle(): boolean {
    if (this.#over) return false;
    this.#over = true;
    if (this.#kept === 0) this.release();
    this.#reader.onOver(this);
    return true;
  }
}
