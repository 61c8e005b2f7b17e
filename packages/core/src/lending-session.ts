import type { Connection } from "./connection.ts";
import { type Borrower, DeferredReplayBuffer } from "./deferred-replay-buffer.ts";
import { PacedSession } from "./paced-session.ts";
import type { SessionOwner } from "./session.ts";
import type { Socket } from "./socket.ts";

/** No more is lent than this part of what can be kept. */
const lentPart = 1 / 8;

/** A session that lends its socket to who sends one shared message after another. */
export class LendingSession extends PacedSession {
  readonly #sent: DeferredReplayBuffer;
  readonly #mostLent: number;
  /** The connection's, while there is one. */
  #socket: Socket | undefined = undefined;

  /** @param replayLength how much that is not acknowledged is kept for a resume, in bytes, and UTF-16 units of text. */
  constructor(owner: SessionOwner, replayLength: number) {
    const sent = new DeferredReplayBuffer(replayLength);
    super(owner, replayLength, sent);
    this.#sent = sent;
    this.#mostLent = replayLength * lentPart;
  }

  /**
   * Lends the socket to one who has just sent a shared message, and sends more of those past the session, which would have little to
   * do for each but would have to be fetched from memory for it. It asks to be told of them when it needs to know; then, and when
   * anybody else sends, the loan is over.
   *
   * @param length so much is sent at most before the borrower recalls the loan itself, as a replay buffer counts it.
   * @returns undefined where nothing is lent.
   */
  lend(borrower: Borrower, length: number): Socket | undefined {
    if (this.#socket === undefined || length > this.#mostLent) return undefined;
    this.#sent.lendTo(borrower);
    return this.#socket;
  }

  /** Ends a loan, if there is one. */
  recall(): void {
    this.#sent.recall();
  }

  /** @param socket the connection's: what may be lent. The one before is wanted back, for the session looks at what it keeps. */
  override attach(connection: Connection, received: number, socket?: Socket): void {
    this.#socket = socket;
    super.attach(connection, received);
  }

  override park(connection: Connection): boolean {
    const parked = super.park(connection);
    if (parked) this.#takeBack();
    return parked;
  }

  override lose(): void {
    this.#takeBack();
    super.lose();
  }

  #takeBack(): void {
    this.#socket = undefined;
    this.recall();
  }
}
