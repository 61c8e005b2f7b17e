import type { Borrower } from "./deferred-replay-buffer.ts";
import type { Socket } from "./socket.ts";

/**
 * Lends its socket to one who has just sent a shared message, and sends more of those past the session, which would have little to do for
 * each but would have to be fetched from memory for it. It asks to be told of them when it needs to know; then, and when anybody else
 * sends, the loan is over.
 */
export interface Lender {
  /**
   * @param length so much is sent at most before the borrower recalls the loan itself, as a replay buffer counts it.
   * @returns undefined where nothing is lent.
   */
  lend(borrower: Borrower, length: number): Socket | undefined;
  /** Ends a loan, if there is one. */
  recall(): void;
}
