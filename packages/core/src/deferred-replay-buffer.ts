import { ReplayBuffer } from "./replay-buffer.ts";
import type { OutgoingMessage } from "./shared-message.ts";

/** Sends some of a session's messages by itself for a while, and accounts for them later. */
export interface Borrower {
  /** The while is over: it hands over what it has sent, oldest first. */
  onRecalled(kept: Pick<ReplayBuffer, "push">): void;
}

/**
 * A replay buffer that somebody may owe messages to. Before anybody looks at it, or adds to it, the debt is recalled; so it is always seen
 * whole, and in the order in which messages were sent.
 */
export class DeferredReplayBuffer extends ReplayBuffer {
  #borrower: Borrower | undefined = undefined;

  /** Whatever is sent until the debt is recalled, the borrower sends. */
  lendTo(borrower: Borrower): void {
    this.recall();
    this.#borrower = borrower;
  }

  /** Has what was sent handed over. */
  recall(): void {
    const borrower = this.#borrower;
    if (borrower === undefined) return;
    this.#borrower = undefined;
    borrower.onRecalled(this);
  }

  override get end(): number {
    this.recall();
    return super.end;
  }

  override get start(): number {
    this.recall();
    return super.start;
  }

  override get length(): number {
    this.recall();
    return super.length;
  }

  override push(message: OutgoingMessage): void {
    this.recall();
    super.push(message);
  }

  override trim(position: number): void {
    this.recall();
    super.trim(position);
  }

  override replay(send: (message: OutgoingMessage) => void): void {
    this.recall();
    super.replay(send);
  }
}
