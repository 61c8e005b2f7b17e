import { windowBytes } from "./options.ts";
import type { StreamLine } from "./stream-line.ts";

/** What is enough of a window while others wait behind what is under way, in bytes. */
export const leastWindowBytes: number = 64 * 1024;
/** A sender that has nothing to send for no longer than this is not held up by a small window, in ms. */
const leastDryMs = 1;
/** The same where the window is as usual: on a shorter line that is enough, and processes take as long now and then. */
const leastLongDryMs = 10;
/**
 * How much of a stream may be sent and not taken, as its receiver sees fit. It watches one grant at a time, until an item comes that had
 * to wait for it. Where its reader waited too, and longer than for the items before, the sender had run dry, for want of a window as
 * long as the line: it doubles. Where the line was busy all the time, and there are calls beside the stream, which wait behind what is
 * under way, it shrinks. A line that has but the stream keeps what it had.
 */
export class WindowSize {
  readonly #line: StreamLine;
  readonly #most: number;
  /** What it is where nothing speaks for more, or less. */
  readonly #usual: number;
  #bytes: number;
  /** What the sender had credit for without the grant that is watched; undefined where none is. */
  #before: number | undefined = undefined;
  #grantedAt = 0;
  /** When all of that had come, and as how many items. */
  #spentAt: number | undefined = undefined;
  #items = 0;

  /** @param most in bytes. However few: one item may come. */
  constructor(line: StreamLine, most: number) {
    this.#line = line;
    this.#most = Math.max(most, 1);
    this.#usual = Math.min(windowBytes, this.#most);
    this.#bytes = this.#usual;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * More is granted.
   *
   * @param before what was granted until now, and
   * @param received what has come, both as sums.
   */
  onGrant(before: number, received: number): void {
    if (this.#before !== undefined) return;
    this.#before = before;
    this.#grantedAt = this.#line.now();
    this.#spentAt = received < before ? undefined : this.#grantedAt;
    this.#items = 0;
  }

  /**
   * An item has come.
   *
   * @param received what has come with it, as a sum.
   * @param awaited whether its reader has nothing else to take.
   */
  onItem(received: number, awaited: boolean): void {
    if (this.#before === undefined) return;
    if (this.#spentAt !== undefined) return this.#onRound(this.#spentAt, awaited);
    this.#items++;
    if (received >= this.#before) this.#spentAt = this.#line.now();
  }

  #onRound(spentAt: number, awaited: boolean): void {
    const dryMs = this.#line.now() - spentAt;
    const itemMs = (spentAt - this.#grantedAt) / Math.max(this.#items, 1);
    const leastMs = this.#bytes < this.#usual ? leastDryMs : leastLongDryMs;
    this.#before = undefined;
    const { isShared } = this.#line;
    if (awaited && dryMs > Math.max(leastMs, 2 * itemMs)) this.#widen(isShared);
    else if (isShared) this.#narrow();
    else this.#bytes = Math.max(this.#bytes, this.#usual);
  }

  #widen(isShared: boolean): void {
    this.#bytes = Math.min(2 * this.#bytes, isShared ? this.#usual : this.#most);
  }

  #narrow(): void {
    this.#bytes = Math.max(Math.ceil((3 * this.#bytes) / 4), Math.min(leastWindowBytes, this.#usual));
  }
}
