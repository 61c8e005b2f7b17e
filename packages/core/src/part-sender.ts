import { encodeBinaryFrame } from "./binary-frame.ts";
import { type EncodedMessage, frameLength } from "./frame.ts";
import type { downPart, upPart } from "./message-type.ts";
import { defaultMaxFrameBytes, largeFrameLength, partLength } from "./options.ts";
import type { MessagePipe } from "./pipe.ts";

/** A large message on its way. */
interface Large {
  readonly id: number;
  readonly stream: number;
  readonly message: EncodedMessage;
  readonly sent: Promise<void>;
  readonly onSent: () => void;
  /** How much of it has been sent. */
  done: number;
}

/**
 * Sends large messages in parts, in turns with each other, no faster than the pipe takes them; what is small goes between the parts, so
 * that nothing waits for what is large.
 */
export class PartSender {
  readonly #type: typeof upPart | typeof downPart;
  readonly #pipe: MessagePipe;
  readonly #turn: () => Promise<void>;
  /** The next one first. */
  #waiting: Large[] = [];
  #sending = false;

  /** @param turn resolves when the rest of the process has had its turn. */
  constructor(type: typeof upPart | typeof downPart, pipe: MessagePipe, turn: () => Promise<void>) {
    this.#type = type;
    this.#pipe = pipe;
    this.#turn = turn;
  }

  /** Sends a message of a call, or of a stream of it: at once, but for a large one. */
  send(id: number, stream: number, message: EncodedMessage): void {
    if (frameLength(message) <= largeFrameLength) return this.#pipe.send(message);
    let onSent: () => void = () => {};
    const sent = new Promise<void>((resolve) => {
      onSent = resolve;
    });
    this.#waiting.push({ id, stream, message, sent, onSent, done: 0 });
    if (!this.#sending) this.#sendPart();
  }

  /** Resolves when what was sent last of a call, or of its stream, has left whole; undefined where it has. */
  sent(id: number, stream: number): Promise<void> | undefined {
    for (const large of this.#waiting) if (large.id === id && large.stream === stream) return large.sent;
    return undefined;
  }

  /** Forgets what has not been sent of a call, and of its streams. Returns whether there was anything. */
  drop(id: number): boolean {
    return this.#drop((large) => large.id === id);
  }

  /** Forgets everything. */
  dropAll(): void {
    this.#drop(() => true);
  }

  #drop(isDropped: (large: Large) => boolean): boolean {
    const dropped = this.#waiting.filter(isDropped);
    this.#waiting = this.#waiting.filter((large) => !isDropped(large));
    for (const { onSent } of dropped) onSent();
    return dropped.length > 0;
  }

  #sendPart(): void {
    const large = this.#waiting.shift();
    this.#sending = large !== undefined;
    if (large === undefined) return;
    const { id, stream, message, onSent } = large;
    const part = message.slice(large.done, large.done + partLength);
    this.#pipe.send(this.#encode(id, stream, message.length, part));
    large.done += part.length;
    if (large.done < message.length) this.#waiting.push(large);
    else onSent();
    void (this.#pipe.drained() ?? this.#turn()).then(() => this.#sendPart());
  }

  #encode(id: number, stream: number, length: number, part: EncodedMessage): EncodedMessage {
    const head = `[${this.#type},${id},${stream},${length}`;
    return typeof part === "string"
      ? `${head},${JSON.stringify(part)}]`
      : encodeBinaryFrame(`${head}]`, [part], defaultMaxFrameBytes);
  }
}
