import { joinedFrameLength, leastItemCost, windowBytes } from "./options.ts";
import { badMessage } from "./protocol.ts";
import type { WindowSize } from "./window-size.ts";

/**
 * What an item counts, at both ends the same: the length of its frame where it has one of its own, and otherwise little, however long
 * it is. So a window is a bound on items, and on bytes: four times its size where all items are just short enough to share frames. One
 * that counted them as what they are at most was half as fast with small items: there were too few of them on their way.
 */
export function costOf(frameLength: number): number {
  return frameLength > joinedFrameLength ? frameLength : leastItemCost;
}

/** A sender's side of one stream: what it may still send. Nothing is asked for; the receiver grants more as it takes items. */
export class Credit {
  #sent = 0;
  #granted: number;
  #granting: Promise<void> | undefined = undefined;
  #onGranted: (() => void) | undefined = undefined;

  /** @param granted before the receiver has said anything, in bytes. */
  constructor(granted: number = windowBytes) {
    this.#granted = granted;
  }

  /** What the items that were sent count. */
  get spent(): number {
    return this.#sent;
  }

  /** What is granted and not spent; less than 0 where the last item went over it. */
  get left(): number {
    return this.#granted - this.#sent;
  }

  /** Items that count so much were sent. The last one may go over what was granted. */
  spend(cost: number): void {
    this.#sent += cost;
  }

  /** Takes the receiver's word: a sum, which only grows. @throws TautlineError `BAD_MESSAGE` where it does not. */
  grant(total: number): void {
    if (total <= this.#granted) throw badMessage("credit only grows");
    this.#granted = total;
    if (this.#sent >= total) return;
    this.#onGranted?.();
    this.#granting = undefined;
  }

  /** Resolves when more may be sent; undefined while it may. */
  granted(): Promise<void> | undefined {
    if (this.#sent < this.#granted) return undefined;
    this.#granting ??= new Promise((resolve) => {
      this.#onGranted = resolve;
    });
    return this.#granting;
  }
}

/** A receiver's side of what is sent item by item: what it has granted, and how much of that was used. */
export class Window {
  #received = 0;
  #taken = 0;
  #granted: number;

  /** @param granted what the sender takes as granted before it is told, in bytes. */
  constructor(granted: number = windowBytes) {
    this.#granted = granted;
  }

  /** An item has come. @throws TautlineError `BAD_MESSAGE` where there was no credit for it. */
  receive(frameLength: number): void {
    if (this.#received >= this.#granted) throw badMessage("an item without credit");
    this.#received += costOf(frameLength);
  }

  /**
   * Whoever an item is for has taken it. Returns what is granted now, a sum, where it is time to say so.
   *
   * @param size how much may be sent and not taken, in bytes.
   * @param least how much more it has to be than was granted.
   */
  take(frameLength: number, size: number = windowBytes, least: number = size / 2): number | undefined {
    this.#taken += costOf(frameLength);
    return this.grant(size, least);
  }

  protected grant(size: number, least: number): number | undefined {
    const granted = this.#taken + size;
    if (granted - this.#granted < least) return undefined;
    this.#granted = granted;
    return granted;
  }
}

/** A receiver's side of one stream, whose window is as large as there is room for. */
export class StreamWindow extends Window {
  /** Undefined: nothing that was not asked for. */
  #size: WindowSize | undefined;
  /** What has come, and what was granted: sums. */
  #come = 0;
  #told: number;
  #taken = 0;

  /**
   * @param size how much may be sent and not taken. Left out: nothing that was not asked for.
   * @param granted as of a `Window`.
   */
  constructor(size: WindowSize | undefined, granted: number) {
    super(granted);
    this.#told = granted;
    this.#size = size;
  }

  /** What the items count that were taken before the last grant. */
  get taken(): number {
    return this.#taken;
  }

  /** What the sender has to be told before it begins; undefined where it need not be. */
  open(): number | undefined {
    return this.#size && this.grant(this.#size.bytes, 1);
  }

  /** @param awaited whether its reader has nothing else to take. */
  override receive(frameLength: number, awaited = false): void {
    super.receive(frameLength);
    this.#come += costOf(frameLength);
    this.#size?.onItem(this.#come, awaited);
  }

  override take(frameLength: number): number | undefined {
    const size = this.#size?.bytes ?? 0;
    return super.take(frameLength, size, size === 0 ? Number.POSITIVE_INFINITY : Math.min(size, windowBytes) / 2);
  }

  /** Its reader waits. Returns what is granted now where nothing would come else: enough for one item. */
  ask(): number | undefined {
    return this.#size === undefined ? this.grant(1, 1) : undefined;
  }

  /** So much may be sent and not taken from now on. Returns what is granted now. */
  widen(size: WindowSize): number | undefined {
    this.#size = size;
    return this.open();
  }

  protected override grant(size: number, least: number): number | undefined {
    const granted = super.grant(size, least);
    if (granted === undefined) return undefined;
    this.#size?.onGrant(this.#told, this.#come);
    this.#told = granted;
    this.#taken = granted - size;
    return granted;
  }
}
