import {
  type Borrower,
  costOf,
  type IncomingCall,
  type MessagePipe,
  type SharedMessage,
  type Socket,
} from "@tautline/core/internals";
import type { ChannelMessage } from "./channel-message.ts";

/** Who is on a channel: what comes is brought. */
export interface Passenger {
  readonly call: IncomingCall;
  /** It is on the channel no more: this entry of the feed is the first that it takes by itself again. */
  onPutDown(next: number): void;
}

/** Who keeps the seats of a channel. */
export interface SeatHost {
  /** A session's last call has left. */
  closeSeat(session: MessagePipe): void;
}

/** What may be sent before the session accounts for it, as credit counts it: 128 small events. */
const loanCost = 32 * 1024;
/** How much that is at most: see `costOf`. */
const loanLength = 4 * loanCost;

/**
 * Where a session's calls on a channel are: at the same entry, for what is sent there is for all of them. Neither their credit nor the
 * session accounts for each event: what is touched of two thousand sessions for one event has left the processor's caches by the next
 * (bench/README.md).
 */
export class ChannelSeat implements Borrower {
  readonly #session: MessagePipe;
  /** The session's, on loan. */
  #socket: Socket | undefined = undefined;
  /** What may be sent before credit and the session have to be asked; and what was sent since credit was. */
  #left = 0;
  #spent = 0;
  /** The entry that is brought next. */
  #next: number;
  readonly #passengers: Passenger[] = [];
  /** The last that the session has accounted for, while there is a loan: it has yet to hear of those after it. */
  #lentAfter: ChannelMessage | undefined = undefined;
  readonly #host: SeatHost;

  constructor(host: SeatHost, session: MessagePipe, next: number) {
    this.#host = host;
    this.#session = session;
    this.#next = next;
  }

  /** The entry that is brought next. */
  get next(): number {
    return this.#next;
  }

  /** Takes one that has taken all before `next`, and has credit. */
  join(passenger: Passenger): void {
    this.#settle();
    this.#passengers.push(passenger);
    this.#left = 0;
  }

  /** Puts one down. */
  leave(passenger: Passenger): void {
    this.#settle();
    this.#passengers.splice(this.#passengers.indexOf(passenger), 1);
    if (this.#passengers.length === 0) this.#close();
    passenger.onPutDown(this.#next);
  }

  /** Puts all down. */
  putDown(): void {
    for (const passenger of this.#passengers.slice()) this.leave(passenger);
  }

  /** Brings an event to all who have credit; puts down who has none, or all where the session takes no more. */
  bring(message: ChannelMessage): void {
    if (this.#left <= 0) this.#look();
    const drained = this.#socket === undefined ? this.#session.drained() : this.#socket.drained?.();
    if (drained !== undefined) this.putDown();
    else if (this.#passengers.length > 0) this.send(message);
  }

  /** Sends the entry that is brought next. */
  send(message: ChannelMessage): void {
    const cost = costOf(message.shared.frameLength);
    this.#left -= cost;
    this.#spent += cost;
    this.#next++;
    if (this.#socket !== undefined) this.#socket.send(message.shared);
    else this.#sendAndBorrow(message);
  }

  onRecalled(kept: { push(message: SharedMessage): void }): void {
    let owed = this.#lentAfter?.following;
    this.#lentAfter = undefined;
    this.#socket = undefined;
    for (; owed !== undefined && owed.entry < this.#next; owed = owed.following) kept.push(owed.shared);
  }

  /** A shared message leaves at once: nothing of the session's waits then that the next could overtake. */
  #sendAndBorrow(message: ChannelMessage): void {
    this.#session.send(message.shared);
    this.#socket = this.#session.lender?.lend(this, loanLength);
    if (this.#socket === undefined) return;
    this.#lentAfter = message;
    this.#left = Math.min(this.#left, loanCost);
  }

  #look(): void {
    this.#session.lender?.recall();
    this.#settle();
    let left = 0;
    for (const passenger of this.#passengers.slice()) {
      const { credit } = passenger.call;
      if (credit <= 0) this.leave(passenger);
      else if (left === 0 || credit < left) left = credit;
    }
    this.#left = left;
  }

  #settle(): void {
    for (const { call } of this.#passengers) call.spend(this.#spent);
    this.#spent = 0;
  }

  #close(): void {
    this.#session.lender?.recall();
    this.#host.closeSeat(this.#session);
  }
}
