import { encodeBinaryFrame } from "./binary-frame.ts";
import type { Clock } from "./clock.ts";
import { type EncodedMessage, frameLength } from "./frame.ts";
import type { downPart, upPart } from "./message-type.ts";
import {
  defaultMaxFrameBytes,
  largeFrameLength,
  largeSharedLength,
  maxLargeMessages,
  partLength,
  sharedPartLength,
} from "./options.ts";
import type { MessagePipe } from "./pipe.ts";
import type { StreamLine } from "./stream-line.ts";

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
 * Sends large messages in parts, as many in turns with each other as the other end takes at a time, no faster than the pipe takes them;
 * what is small goes between the parts, so that nothing waits for what is large.
 */
export class PartSender {
  readonly #type: typeof upPart | typeof downPart;
  readonly #pipe: MessagePipe;
  readonly #clock: Pick<Clock, "turn">;
  readonly #line: Pick<StreamLine, "isShared">;
  /** The next one first. What has begun is among the first ones. */
  #waiting: Large[] = [];
  #sending = false;

  /** @param line what parts go over: where others wait for them, they are smaller. */
  constructor(
    type: typeof upPart | typeof downPart,
    pipe: MessagePipe,
    clock: Pick<Clock, "turn">,
    line: Pick<StreamLine, "isShared">,
  ) {
    this.#type = type;
    this.#pipe = pipe;
    this.#clock = clock;
    this.#line = line;
  }

  /** Sends a message of a call, or of a stream of it: at once, but for a large one. */
  send(id: number, stream: number, message: EncodedMessage): void {
    const isShared = stream > 0 && this.#line.isShared;
    if (frameLength(message) <= (isShared ? largeSharedLength : largeFrameLength)) return this.#pipe.send(message);
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
    const [start, end] = [large.done, large.done + (this.#line.isShared ? sharedPartLength : partLength)];
    const part = typeof message === "string" ? message.slice(start, end) : message.subarray(start, end);
    this.#pipe.send(this.#encode(id, stream, message.length, part));
    large.done += part.length;
    if (large.done < message.length) this.#waiting.splice(maxLargeMessages - 1, 0, large);
    else onSent();
    void (this.#pipe.drained() ?? this.#clock.turn()).then(() => this.#sendPart());
  }

  #encode(id: number, stream: number, length: number, part: EncodedMessage): EncodedMessage {
    const head = `[${this.#type},${id},${stream},${length}`;
    return typeof part === "string"
      ? `${head},${JSON.stringify(part)}]`
      : encodeBinaryFrame(`${head}]`, [part], defaultMaxFrameBytes);
  }
}
