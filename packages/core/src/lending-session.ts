import type { Connection } from "./connection.ts";
import { type Borrower, DeferredReplayBuffer } from "./deferred-replay-buffer.ts";
import type { Lender } from "./lender.ts";
import { PacedSession } from "./paced-session.ts";
import type { SessionOwner } from "./session.ts";
import type { Socket } from "./socket.ts";

/** No more is lent than this part of what can be kept. */
const lentPart = 1 / 8;

/** A session that lends its socket while it has a connection. */
export class LendingSession extends PacedSession implements Lender {
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

  /** Itself: what it lends is to cost no session another object. */
  get lender(): Lender {
    return this;
  }

  lend(borrower: Borrower, length: number): Socket | undefined {
    if (this.#socket === undefined || length > this.#mostLent) return undefined;
    this.#sent.lendTo(borrower);
    return this.#socket;
  }

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
