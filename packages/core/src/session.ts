import { encodePlain } from "./codec.ts";
import type { Connection } from "./connection.ts";
import type { Frame } from "./frame.ts";
import * as messageType from "./message-type.ts";
import type { MessagePipe } from "./pipe.ts";
import { badMessage, type Message, type PeerMessage, type SessionMessage } from "./protocol.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import type { OutgoingMessage } from "./shared-message.ts";

export interface SessionOwner {
  /** Takes a message, in order and once. @throws TautlineError `BAD_MESSAGE` where it breaks the protocol. */
  onMessage(message: PeerMessage, session: Session, length: number): void;
  /** A message of this length was kept while parked; some of what was kept before may have been let go for it. */
  onKept?(length: number, session: Session): void;
}

/**
 * After so many messages, or so much of them, the other side is told that it may forget them. Reading an acknowledgement costs as much
 * as sending two events of a topic; what is kept for want of one is a few kB.
 */
const messagesPerAck = 128;
const lengthPerAck = 384 * 1024;

/**
 * What outlives connections: an ordered run of messages in each direction, each delivered exactly once while the session lives.
 * Both ends are this same code. Messages are counted, not numbered on the wire: the n-th message is the n-th that either end
 * counts, whatever connections it took.
 */
export class Session implements MessagePipe {
  // First what each message that is sent looks at: it is in one line of the processor's cache then.
  /** Undefined while it is parked: what is sent is kept for the next one. */
  #connection: Connection | undefined;
  readonly #sent: ReplayBuffer;
  /** Over for good. */
  #lost = false;
  readonly #owner: SessionOwner;
  #received = 0;
  /** How many of the messages that were sent the other side is known to have. */
  #acknowledged = 0;
  #messagesSinceAck = 0;
  #lengthSinceAck = 0;

  /** @param replayLength how much that is not acknowledged is kept for a resume, in bytes, and UTF-16 units of text. */
  constructor(owner: SessionOwner, replayLength: number, sent: ReplayBuffer = new ReplayBuffer(replayLength)) {
    this.#owner = owner;
    this.#sent = sent;
  }

  get open(): boolean {
    return this.#connection !== undefined;
  }

  /** How many of the other side's messages have come. */
  get received(): number {
    return this.#received;
  }

  /** Sends a message, or keeps it for the next connection. */
  send(message: OutgoingMessage): void {
    if (this.#lost) return;
    this.#sent.push(message);
    if (this.#connection === undefined) this.#owner.onKept?.(message.length, this);
    else this.#connection.send(message);
  }

  decode(frame: Frame): Message[] {
    // A part has just come over it.
    return this.#connection?.decode(frame) ?? [];
  }

  /** Resolves when the socket can take more; undefined while it can. */
  drained(): Promise<void> | undefined {
    return this.#connection?.drained();
  }

  /** Takes a message from a connection; from one that is no longer the session's it takes nothing. */
  receive(message: SessionMessage, connection: Connection, length = 0): void {
    if (connection !== this.#connection) return;
    switch (message[0]) {
      case messageType.ping:
        this.#onAcknowledged(message[1]);
        return this.#report(messageType.pong);
      case messageType.pong:
      case messageType.ack:
        return this.#onAcknowledged(message[1]);
      default:
        this.#received++;
        this.#messagesSinceAck++;
        return this.#owner.onMessage(message, this, length);
    }
  }

  /** A frame has been taken whole: now and then the other side is told what it may forget. */
  onFrame(length: number): void {
    this.#lengthSinceAck += length;
    if (this.#messagesSinceAck === 0) return;
    if (this.#messagesSinceAck >= messagesPerAck || this.#lengthSinceAck >= lengthPerAck) this.acknowledge();
  }

  /** Tells the other side how many of its messages have come. */
  acknowledge(): void {
    this.#report(messageType.ack);
  }

  /** Asks the other side for a sign of life. */
  ping(): void {
    this.#report(messageType.ping);
  }

  /** Whether the other side, which has received so many messages, lacks none that is no longer kept. */
  canResume(received: number): boolean {
    return !this.#lost && received >= this.#sent.start && received <= this.#sent.end;
  }

  /**
   * Goes on over this connection, first with what the other side lacks. The connection before it is no longer heard.
   *
   * @param received how many of this side's messages the other side has; `canResume` has said that it can.
   */
  attach(connection: Connection, received: number): void {
    this.#connection = connection;
    this.#forget(received);
    this.#sent.replay((message) => connection.send(message));
  }

  /** The connection is gone. Whether it was the session's. */
  park(connection: Connection): boolean {
    if (connection !== this.#connection) return false;
    this.#connection = undefined;
    return true;
  }

  /** Over for good: nothing is kept, nothing is heard. */
  lose(): void {
    this.#connection = undefined;
    this.#lost = true;
    this.#forget(this.#sent.end);
  }

  /** Positions never go back, nor past what was sent: a buffer that believed them would lose what it keeps. */
  #onAcknowledged(position: number): void {
    if (position < this.#acknowledged || position > this.#sent.end)
      throw badMessage("acknowledges what it cannot have");
    this.#forget(position);
  }

  #forget(position: number): void {
    this.#acknowledged = position;
    this.#sent.trim(position);
  }

  #report(type: typeof messageType.ping | typeof messageType.pong | typeof messageType.ack): void {
    this.#messagesSinceAck = 0;
    this.#lengthSinceAck = 0;
    this.#connection?.send(encodePlain([type, this.#received]));
  }
}
