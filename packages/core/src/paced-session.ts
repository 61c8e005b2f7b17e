import type { Connection } from "./connection.ts";
import * as messageType from "./message-type.ts";
import { joinLimitLength } from "./outbox.ts";
import type { SessionMessage } from "./protocol.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import { Session, type SessionOwner } from "./session.ts";
import type { OutgoingMessage } from "./shared-message.ts";

/** After so much that has come, an acknowledgement goes with the next short message, which is a stream's credit mostly: it makes no frame. */
const lengthPerJoinedAck = 128 * 1024;

/**
 * A session whose producers wait, and which can tell when the other side has heard it out. Apart from `Session`, so that an end that
 * sends no streams does not carry it.
 */
export class PacedSession extends Session {
  readonly #sent: ReplayBuffer;
  /** Half of what can be kept. */
  readonly #halfLength: number;
  /** Pings of this connection that are not answered. */
  #pings = 0;
  /** How many of them are to be answered before `#onHeard` is called. */
  #unheard = 0;
  #onHeard: (() => void) | undefined;
  #drained: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;
  /** How much has come since the last acknowledgement, in bytes, and UTF-16 units of text. */
  #come = 0;
  /** How many messages the other side has said to have while producers waited. */
  #awaited = 0;

  /** @param replayLength how much that is not acknowledged is kept for a resume, in bytes, and UTF-16 units of text. */
  constructor(owner: SessionOwner, replayLength: number, sent: ReplayBuffer = new ReplayBuffer(replayLength)) {
    super(owner, replayLength, sent);
    this.#sent = sent;
    this.#halfLength = replayLength / 2;
  }

  /** How much it keeps for a resume, in bytes, and UTF-16 units of text. */
  get keptLength(): number {
    return this.#sent.length;
  }

  get #halfKept(): boolean {
    return this.keptLength > this.#halfLength;
  }

  /** Grows with what the other side has, while producers wait for that; undefined where none does. */
  get awaited(): number | undefined {
    return this.#drained && this.#awaited;
  }

  override send(message: OutgoingMessage): void {
    if (this.#come >= lengthPerJoinedAck && message.length <= joinLimitLength) this.acknowledge();
    super.send(message);
  }

  override onFrame(length: number): void {
    this.#come += length;
    super.onFrame(length);
  }

  override acknowledge(): void {
    this.#come = 0;
    super.acknowledge();
  }

  /** Producers wait for the socket, and until the other side has acknowledged half of what can be kept. */
  override drained(): Promise<void> | undefined {
    if (!this.#halfKept) return super.drained();
    if (this.#drained === undefined) {
      this.#drained = new Promise((resolve) => {
        this.#onDrained = resolve;
      });
      // What the other side acknowledges by itself may be more than half of what is kept here.
      this.ping();
    }
    return this.#drained;
  }

  /** Calls back, once, when the other side has taken all that was sent over this connection before, and said so. */
  onceHeard(onHeard: () => void): void {
    this.#onHeard = onHeard;
    this.ping();
    this.#unheard = this.#pings;
  }

  override ping(): void {
    this.#pings++;
    super.ping();
  }

  override receive(message: SessionMessage, connection: Connection, length = 0): void {
    super.receive(message, connection, length);
    if (message[0] === messageType.pong && this.open) this.#onPong();
    if (this.#drained === undefined) return;
    const [type, received] = message;
    if (type === messageType.ping || type === messageType.pong || type === messageType.ack) this.#awaited = received;
    // What was sent since the ping may be too much again.
    this.#look(type === messageType.pong);
  }

  override attach(connection: Connection, received: number): void {
    this.#pings = 0;
    super.attach(connection, received);
    if (this.#drained !== undefined) this.#look(true);
  }

  override lose(): void {
    super.lose();
    this.#look(false);
  }

  /** Pings are answered in their order. */
  #onPong(): void {
    if (this.#pings > 0) this.#pings--;
    if (this.#onHeard === undefined || --this.#unheard > 0) return;
    const onHeard = this.#onHeard;
    this.#onHeard = undefined;
    onHeard();
  }

  /** @param ask whether the other side is asked what it has, where that is too little. */
  #look(ask: boolean): void {
    if (!this.#halfKept) {
      this.#onDrained?.();
      this.#onDrained = undefined;
      this.#drained = undefined;
    } else if (ask) this.ping();
  }
}
